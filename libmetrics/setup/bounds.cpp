#include "libmetrics/setup/bounds.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <new>

namespace metrics::setup {

void Bounds::Free::operator()(double* p) const noexcept { std::free(p); }

Bounds::Bounds(std::span<const double> bounds)
    : count_(static_cast<std::uint32_t>(bounds.size())),
      padded_(update::padded_count(count_)),
      search_(*update::searches(count_).begin()) {
  const std::size_t bytes = std::max(padded_ * sizeof(double), update::kBoundsAlignment);
  data_.reset(static_cast<double*>(std::aligned_alloc(update::kBoundsAlignment, bytes)));
  if (data_ == nullptr) throw std::bad_alloc();
  std::fill_n(data_.get(), bytes / sizeof(double), std::numeric_limits<double>::infinity());
  std::copy(bounds.begin(), bounds.end(), data_.get());
}

std::span<const double> default_bounds() noexcept {
  static constexpr std::array<double, 11> kBounds = {.005, .01, .025, .05, .1, .25,
                                                     .5,   1,   2.5,  5,   10};
  return kBounds;
}

}  // namespace metrics::setup
