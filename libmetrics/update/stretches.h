// stretches.h -- finding an observation's bucket among many bounds that are about evenly spread
// over powers of two, as those of a native histogram are. Nothing here allocates or throws.
//
// The bits of a double above zero, read as an integer, ascend with its value. So the values from
// the lowest bound above zero to the last bound are divided into stretches that begin with the same
// bits, each so short that it holds two bounds at most; and a table holds how many bounds are below
// each stretch. What remains is to compare with those two. Values outside leave by one branch,
// which is as predictable as the values are.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "libmetrics/update/buckets.h"

namespace metrics::update {

// Stands right before a family's bounds in memory, so that a handle leads to both.
struct alignas(kBoundsAlignment) Stretches {
  std::uint64_t lowest;        // the bits of the lowest bound above zero
  std::uint64_t span;          // how far the bits of the last bound are above these
  std::uint64_t base;          // lowest >> shift
  const std::uint16_t* below;  // by (bits >> shift) - base: how many bounds are below the stretch
  std::uint32_t shift;
  std::uint32_t positive;  // the index of the lowest bound above zero
  std::uint32_t count;     // of all bounds

  std::uint64_t size() const noexcept { return ((lowest + span) >> shift) - base + 1; }
};
static_assert(sizeof(Stretches) == kBoundsAlignment);

// More would take more memory than they are worth.
inline constexpr std::uint64_t kMostStretches = std::uint64_t{16} * 1024;
inline constexpr std::uint32_t kMostInStretch = 2;
// The width of a double's mantissa.
inline constexpr std::uint32_t kMantissaBits = std::numeric_limits<double>::digits - 1;

// Returns the search for stretches that hold so many bounds, at most kMostInStretch. The bounds
// that it is called with must have their Stretches before them.
Search search_of_stretches(std::uint32_t most) noexcept;

}  // namespace metrics::update
