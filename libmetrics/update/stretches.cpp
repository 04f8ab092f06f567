#include "libmetrics/update/stretches.h"

namespace metrics::update {
namespace {

// Returns the number of bounds below a value that is in no stretch: one above the last bound, or
// one below the lowest bound above zero.
[[gnu::noinline]] std::uint32_t find_outside(const Stretches& s, const double* bounds,
                                             double value) noexcept {
  if (value > bounds[s.positive]) return s.count;
  std::uint32_t first = 0;
  for (std::uint32_t size = s.positive; size > 0;) {
    const std::uint32_t half = (size + 1) / 2;
    if (bounds[first + half - 1] < value) first += half;
    size -= half;
  }
  return first;
}

// As in buckets.cpp, an observation is one function: it counts in the bucket first and adds to the
// sum second.
template <std::uint32_t kMost>
struct InStretches {
  static std::uint32_t find(const double* bounds, std::uint32_t, double value) noexcept {
    const Stretches& s = reinterpret_cast<const Stretches*>(bounds)[-1];
    const auto bits = std::bit_cast<std::uint64_t>(value);
    // A value below the lowest bound wraps around, one below zero has the highest bit set.
    if (bits - s.lowest > s.span) [[unlikely]] {
      return find_outside(s, bounds, value);
    }
    // No bound is read beyond the last one, since that is not below the value.
    std::uint32_t i = s.below[(bits >> s.shift) - s.base];
    for (std::uint32_t k = 0; k < kMost; ++k) i += static_cast<std::uint32_t>(bounds[i] < value);
    return i;
  }
  static void observe(std::uint64_t* first, const metrics_histogram* h, double value) noexcept {
    metrics_hot_count(first + find(h->bounds, h->padded, value), 1);
    metrics_hot_sum(first + h->sum, value);
  }
};

}  // namespace

Search search_of_stretches(std::uint32_t most) noexcept {
  if (most <= 1) return {"stretches", &InStretches<1>::find, &InStretches<1>::observe};
  return {"stretches of two", &InStretches<kMostInStretch>::find,
          &InStretches<kMostInStretch>::observe};
}

}  // namespace metrics::update
