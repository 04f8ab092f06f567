// buckets.h -- finding an observation's bucket, the only real work in an update. Nothing here
// allocates or throws.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "metrics/hot.h"

namespace metrics::update {

// One way to find a bucket: `find` returns its index, `observe` also counts the value there.
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
// Returns every search that this CPU can run for that many bounds. Families use the first one; the
// others are for tests and the benchmark.
Searches searches(std::uint32_t bound_count) noexcept;

// Returns how many bounds a search reads, where a family has `bound_count`. The caller fills up
// with +Inf, and stores the bounds at a multiple of kBoundsAlignment bytes.
std::uint32_t padded_count(std::uint32_t bound_count) noexcept;
inline constexpr std::size_t kBoundsAlignment = 64;  // a cache line, and the widest vector

}  // namespace metrics::update
