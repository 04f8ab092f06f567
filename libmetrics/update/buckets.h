// buckets.h -- finding an observation's bucket, the only real work in an update. Neither allocates
// nor throws.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "metrics/hot.h"

namespace metrics::update {

// Every search that this CPU can run for that many bounds, the chosen one first; for tests and the
// benchmark.
struct Search {
  using Find = std::uint32_t (*)(const double* bounds, std::uint32_t padded, double value);
  using Observe = void (*)(std::uint64_t* first_cell, const metrics_histogram*, double value);
  const char* name;
  Find find;
  Observe observe;
};
struct Searches {
  std::array<Search, 4> all;
  std::size_t count;
  const Search* begin() const noexcept { return all.data(); }
  const Search* end() const noexcept { return all.data() + count; }
};
Searches searches(std::uint32_t bound_count) noexcept;

// Searches read this many bounds: those added are +Inf. They begin at a multiple of
// kBoundsAlignment bytes.
std::uint32_t padded_count(std::uint32_t bound_count) noexcept;
inline constexpr std::size_t kBoundsAlignment = 64;  // a cache line, and the widest vector

}  // namespace metrics::update
