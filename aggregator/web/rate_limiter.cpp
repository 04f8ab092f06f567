#include "aggregator/web/rate_limiter.h"

#include <algorithm>

namespace metrics::web {

bool RateLimiter::admit(Clock::time_point now) {
  if (limit_.interval.count() == 0) return true;
  const std::lock_guard lock(mutex_);
  const Clock::time_point from = std::max(full_at_, now);
  // In floating point: a burst of long intervals is more than 64 bits of nanoseconds hold.
  const std::chrono::duration<double> missing = from - now;
  const std::chrono::duration<double> interval = limit_.interval;
  if (missing + interval > interval * limit_.burst) return false;
  full_at_ = from + limit_.interval;
  return true;
}

}  // namespace metrics::web
