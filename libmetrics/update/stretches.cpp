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

const Stretches& stretches_of(const double* bounds) noexcept {
  return reinterpret_cast<const Stretches*>(bounds)[-1];
}

// As in buckets.cpp, an observation is one function: it counts in the bucket first and adds to the
// sum second.
void observe_in(std::size_t bucket, std::uint64_t* first, const metrics_histogram* h,
                double value) noexcept {
  std::uint64_t* cell = first + bucket;
  __asm__("" : "+r"(cell));  // computed once: an operand with an index is for both load and store
  metrics_hot_count(cell, 1);
  metrics_hot_sum(first + h->sum, value);
}
[[gnu::noinline]] void observe_outside(std::uint64_t* first, const metrics_histogram* h,
                                       double value) noexcept {
  observe_in(find_outside(stretches_of(h->bounds), h->bounds, value), first, h, value);
}

// A value above zero that is below the first stretch is further before the end than that, one below
// zero is even further, and one behind the end is a small number.
bool is_outside(const Stretches& s, std::uint64_t bits) noexcept {
  return bits - s.end < s.begin_before_end;
}

// That the shift is known to the compiler spares loading it.
template <std::uint32_t kMost, std::uint32_t kBits>
struct InStretches {
  // No bound is read beyond the one that fills up, since that is not below the value.
  static std::size_t bucket(const Stretches& s, const double* bounds, std::uint64_t bits) noexcept {
    const auto before_end = static_cast<std::int64_t>(bits - s.end);
    std::size_t i = s.below()[before_end >> (kMantissaBits - kBits)];
    for (std::uint32_t k = 0; k < kMost; ++k) i += bits_of(bounds[i]) < bits ? 1u : 0u;
    return i;
  }
  static std::uint32_t find(const double* bounds, std::uint32_t, double value) noexcept {
    const Stretches& s = stretches_of(bounds);
    if (is_outside(s, bits_of(value))) [[unlikely]] {
      return find_outside(s, bounds, value);
    }
    return static_cast<std::uint32_t>(bucket(s, bounds, bits_of(value)));
  }
  static void observe(std::uint64_t* first, const metrics_histogram* h, double value) noexcept {
    const Stretches& s = stretches_of(h->bounds);
    if (is_outside(s, bits_of(value))) [[unlikely]] {
      return observe_outside(first, h, value);
    }
    observe_in(bucket(s, h->bounds, bits_of(value)), first, h, value);
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
