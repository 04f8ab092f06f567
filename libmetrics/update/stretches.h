// stretches.h -- finding an observation's bucket among many bounds that are about evenly spread
// over powers of two, as those of a native histogram are. Nothing here allocates or throws.
//
// The bits of a double above zero, read as an integer, ascend with its value. So the values from
// the lowest bound above zero to the last bound are divided into stretches that begin with the same
// bits, each so short that it holds two bounds at most; and a table holds how many bounds are below
// each stretch. What remains is to compare with those two, as integers too. Values outside leave by
// one branch, which is as predictable as the values are.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "libmetrics/update/buckets.h"

namespace metrics::update {

// Stands right before a family's bounds in memory, so that a handle leads to both.
struct alignas(kBoundsAlignment) Stretches {
  std::uint64_t begin;         // the bits that the first stretch begins with
  std::uint64_t span;          // how far the bits of the last bound are above these
  const std::uint16_t* below;  // for each stretch: how many bounds are below it
  std::uint32_t positive;      // the index of the lowest bound above zero
  std::uint32_t count;         // of all bounds
};
static_assert(sizeof(Stretches) == kBoundsAlignment);

// More would take more memory than they are worth.
inline constexpr std::uint64_t kMostStretches = std::uint64_t{16} * 1024;
inline constexpr std::uint32_t kMostInStretch = 2;
// The width of a double's mantissa.
inline constexpr std::uint32_t kMantissaBits = std::numeric_limits<double>::digits - 1;

// Returns the search for stretches that hold so many bounds, at most kMostInStretch, and are so many
// bits of a mantissa apart: 1 to kMostBits. The bounds that it is called with must have their
// Stretches before them, and no zero with a sign.
Search search_of_stretches(std::uint32_t most, std::uint32_t bits) noexcept;
inline constexpr std::uint32_t kMostBits = 14;
static_assert(1u << kMostBits == kMostStretches, "there is one power of two at least");

}  // namespace metrics::update
