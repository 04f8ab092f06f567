#include "libmetrics/python/extension/own.h"

#include <pthread.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace metrics::python {

namespace {

// Up to so many bounds, comparing with each is quicker than branches that are mispredicted.
constexpr std::size_t kFew = 32;

}  // namespace

std::uint64_t Own::process_life = 1;

void Own::watch_forks() noexcept {
  // Fails only without memory: then a child's counters go on from its parent's values.
  pthread_atfork(nullptr, nullptr, [] { ++process_life; });
}

void Own::restart() noexcept {
  life_ = process_life;
  value_ = 0;
  std::fill(counts_.begin(), counts_.end(), 0);
}

std::uint32_t Own::bucket(double value) const noexcept {
  if (bounds_ == nullptr) return 0;
  if (bounds_->size() > kFew) {
    const auto at = std::lower_bound(bounds_->begin(), bounds_->end(), value);
    return static_cast<std::uint32_t>(at - bounds_->begin());
  }
  std::uint32_t below = 0;
  for (const double bound : *bounds_) below += static_cast<std::uint32_t>(bound < value);
  return below;
}

void Own::compare(const double* bounds, std::uint32_t padded) noexcept {
  same_bounds_ = bounds_ != nullptr && bounds_->size() <= padded;
  for (std::uint32_t i = 0; same_bounds_ && i < padded; ++i) {
    const bool is_own = i < bounds_->size();
    same_bounds_ = is_own ? bounds[i] == (*bounds_)[i] : bounds[i] == HUGE_VAL;
  }
}

void Own::begin_buckets(std::shared_ptr<const Bounds> bounds) {
  counts_.assign(bounds->size() + 1, 0);
  bounds_ = std::move(bounds);
}

}  // namespace metrics::python
