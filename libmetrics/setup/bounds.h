// bounds.h -- a histogram's bounds, laid out for the search in update/buckets.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "libmetrics/update/buckets.h"

namespace metrics::setup {

// Aligned and filled up with +Inf, beside the search that suits this CPU and their number.
class Bounds {
 public:
  // `bounds` must be ascending and finite. Throws std::bad_alloc.
  explicit Bounds(std::span<const double> bounds);

  const double* data() const noexcept { return data_.get(); }
  std::uint32_t count() const noexcept { return count_; }
  std::uint32_t padded() const noexcept { return padded_; }  // +Inf fills up to here
  const update::Search& search() const noexcept { return search_; }

  // Returns the index of the bucket that `value` belongs to: the number of bounds below it, so `le`
  // is inclusive and count() is the +Inf bucket. `value` must not be NaN.
  std::uint32_t bucket(double value) const noexcept {
    return search_.find(data_.get(), padded_, value);
  }

 private:
  struct Free {
    void operator()(double* p) const noexcept;
  };
  std::uint32_t count_;
  std::uint32_t padded_;
  std::unique_ptr<double[], Free> data_;
  update::Search search_;
};

// Returns Prometheus's default bounds, which suit durations in seconds.
std::span<const double> default_bounds() noexcept;

}  // namespace metrics::setup
