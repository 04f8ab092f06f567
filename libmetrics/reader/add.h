// add.h -- adds the cells of many slots, which is most of what a scrape computes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace metrics::reader {

// How many slots are added at a time: the sums are loaded and stored once for all of them. Doubles
// are added one by one in the order of slots. Each cell is loaded once: the load of a vector is as
// whole as the loads of its elements, which are aligned, so that the reader sees a cell before or
// after each update of its writer, which is another process.
inline constexpr std::size_t kTogether = 4;

using Cells [[gnu::vector_size(32), gnu::aligned(8), gnu::may_alias]] = std::uint64_t;
inline constexpr std::uint32_t kLanes = sizeof(Cells) / sizeof(std::uint64_t);

inline void add_double(std::uint64_t& sum, std::uint64_t amount) {
  sum = std::bit_cast<std::uint64_t>(std::bit_cast<double>(sum) + std::bit_cast<double>(amount));
}

template <std::size_t kSlots>
[[gnu::always_inline]] inline void add_run(std::uint64_t* to, const std::uint64_t* const* slots,
                                           std::uint64_t first, std::uint32_t whole) {
  std::uint32_t k = 0;
  for (; k + kLanes <= whole; k += kLanes) {
    Cells sum = *reinterpret_cast<Cells*>(to + k);
    for (std::size_t i = 0; i < kSlots; ++i) {
      sum += *reinterpret_cast<const Cells*>(slots[i] + first + k);
    }
    *reinterpret_cast<Cells*>(to + k) = sum;
  }
  for (; k < whole; ++k) {
    for (std::size_t i = 0; i < kSlots; ++i) to[k] += slots[i][first + k];
  }
  for (std::size_t i = 0; i < kSlots; ++i) add_double(to[whole], slots[i][first + whole]);
}

// Adds the cells of the sums begin..end-1 in `count` slots to `values`. `count` is 1 or kTogether.
template <class Sum>
[[gnu::always_inline]] inline void add_all(const Sum* begin, const Sum* end, std::uint64_t* values,
                                           const std::uint64_t* const* slots, std::size_t count) {
  if (count == kTogether) {
    for (; begin != end; ++begin) {
      add_run<kTogether>(values + begin->first_value, slots, begin->first_cell, begin->whole);
    }
  } else {
    for (; begin != end; ++begin) {
      add_run<1>(values + begin->first_value, slots, begin->first_cell, begin->whole);
    }
  }
}

template <class Sum>
using AddAll = void (*)(const Sum*, const Sum*, std::uint64_t*, const std::uint64_t* const*,
                        std::size_t);

template <class Sum>
void add_anywhere(const Sum* begin, const Sum* end, std::uint64_t* values,
                  const std::uint64_t* const* slots, std::size_t count) {
  add_all(begin, end, values, slots, count);
}

#if defined(__x86_64__)
template <class Sum>
[[gnu::target("avx2")]] void add_avx2(const Sum* begin, const Sum* end, std::uint64_t* values,
                                      const std::uint64_t* const* slots, std::size_t count) {
  add_all(begin, end, values, slots, count);
}
#endif

// Returns the fastest variant that this CPU can run.
template <class Sum>
AddAll<Sum> add_quickly() {
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2");
  if (has_avx2) return &add_avx2<Sum>;
#endif
  return &add_anywhere<Sum>;
}

}  // namespace metrics::reader
