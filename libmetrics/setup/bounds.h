// bounds.h -- a histogram's bounds, laid out for the search in update/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "libmetrics/format/native.h"
#include "libmetrics/update/buckets.h"
#include "libmetrics/update/stretches.h"

namespace metrics::setup {

// Aligned and filled up with +Inf, beside the search that suits this CPU and their number. With a
// native descriptor, these are the bounds of its grid.
class Bounds {
 public:
  // `bounds` must be ascending and finite. Throws std::bad_alloc.
  explicit Bounds(std::span<const double> bounds,
                  const std::optional<format::Native>& native = std::nullopt);

  const double* data() const noexcept { return data_; }
  std::uint32_t count() const noexcept { return count_; }
  std::uint32_t padded() const noexcept { return padded_; }  // +Inf fills up to here
  const update::Search& search() const noexcept { return search_; }

  // Returns the index of the bucket that `value` belongs to: the number of bounds below it, so `le`
  // is inclusive and count() is the +Inf bucket. `value` must not be NaN.
  std::uint32_t bucket(double value) const noexcept { return search_.find(data_, padded_, value); }

 private:
  struct Free {
    void operator()(std::byte* p) const noexcept;
  };
  void lay_out(std::span<const double> bounds, std::size_t bytes_before);
  bool divide(const std::vector<double>& grid, int schema, std::uint32_t most,
              std::uint64_t most_stretches);

  std::uint32_t count_ = 0;
  std::uint32_t padded_ = 0;
  std::unique_ptr<std::byte, Free> memory_;
  double* data_ = nullptr;
  update::Search search_{};
};

// Returns Prometheus's default bounds, which suit durations in seconds.
std::span<const double> default_bounds() noexcept;

}  // namespace metrics::setup
