#include "libmetrics/update/stretches.h"

#include <array>
#include <utility>

namespace metrics::update {
namespace {

std::uint64_t bits_of(double value) noexcept { return std::bit_cast<std::uint64_t>(value); }

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
// sum second. That the shift is known to the compiler spares loading it.
template <std::uint32_t kMost, std::uint32_t kBits>
struct InStretches {
  static std::uint32_t find(const double* bounds, std::uint32_t, double value) noexcept {
    const Stretches& s = reinterpret_cast<const Stretches*>(bounds)[-1];
    const std::uint64_t bits = bits_of(value);
    const std::uint64_t distance = bits - s.begin;
    // A value below the first stretch wraps around, one below zero has the highest bit set.
    if (distance > s.span) [[unlikely]] {
      return find_outside(s, bounds, value);
    }
    // No bound is read beyond the last one, since that is not below the value.
    std::uint32_t i = s.below[distance >> (kMantissaBits - kBits)];
    for (std::uint32_t k = 0; k < kMost; ++k) i += bits_of(bounds[i]) < bits ? 1u : 0u;
    return i;
  }
  static void observe(std::uint64_t* first, const metrics_histogram* h, double value) noexcept {
    metrics_hot_count(first + find(h->bounds, h->padded, value), 1);
    metrics_hot_sum(first + h->sum, value);
  }
};

template <std::uint32_t kMost>
Search with_bits(const char* name, std::uint32_t bits) noexcept {
  static constexpr auto kByBits =
      []<std::uint32_t... kBefore>(std::integer_sequence<std::uint32_t, kBefore...>) {
    return std::array<Search, sizeof...(kBefore)>{
        Search{nullptr, &InStretches<kMost, kBefore + 1>::find,
               &InStretches<kMost, kBefore + 1>::observe}...};
  }
  (std::make_integer_sequence<std::uint32_t, kMostBits>());
  return {name, kByBits[bits - 1].find, kByBits[bits - 1].observe};
}

}  // namespace

Search search_of_stretches(std::uint32_t most, std::uint32_t bits) noexcept {
  if (most <= 1) return with_bits<1>("stretches", bits);
  return with_bits<kMostInStretch>("stretches of two", bits);
}

}  // namespace metrics::update
