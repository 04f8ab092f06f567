// rate_limiter.h -- a token bucket for requests.
#pragma once

#include <chrono>
#include <mutex>

#include "aggregator/web/config.h"

namespace metrics::web {

// Thread-safe.
class RateLimiter {
 public:
  using Clock = std::chrono::steady_clock;

  explicit RateLimiter(const RateLimit& limit) : limit_(limit) {}

  // Returns whether a request may be served: a bucket that was full at first, and gets a token in
  // each interval up to its burst, has one for it.
  bool admit(Clock::time_point now = Clock::now());

 private:
  const RateLimit limit_;
  std::mutex mutex_;           // guards the next one
  Clock::time_point full_at_;  // when the bucket will be full
};

}  // namespace metrics::web
