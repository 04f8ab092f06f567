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

// Stands right before a family's bounds in memory, so that a handle leads to both:
//
//   | table: a number for each stretch | Stretches | bounds, filled up with one +Inf at least |
struct alignas(kBoundsAlignment) Stretches {
  std::uint64_t end;               // the bits behind those of the last stretch
  std::uint64_t begin_before_end;  // the bits that the first stretch begins with, less `end`
  std::uint32_t positive;          // the index of the lowest bound above zero
  std::uint32_t count;             // of all bounds

  // Returns the end of the table, which holds how many bounds are below each stretch. To count from
  // there spares an update to look for the beginning.
  const std::uint16_t* below() const noexcept {
    return reinterpret_cast<const std::uint16_t*>(this);
  }
};
static_assert(sizeof(Stretches) == kBoundsAlignment);

// More would take more memory than they are worth: than a second comparison is, or than searching
// without a table is. The default window and bounds take 2,049 for one.
inline constexpr std::uint64_t kMostStretchesOfOne = std::uint64_t{4} * 1024;
inline constexpr std::uint64_t kMostStretches = std::uint64_t{16} * 1024;
inline constexpr std::uint32_t kMostInStretch = 2;
// The width of a double's mantissa.
inline constexpr std::uint32_t kMantissaBits = std::numeric_limits<double>::digits - 1;

// Returns the search for stretches that hold so many bounds, at most kMostInStretch, and begin
// where so many bits of a mantissa change, 1 to kMostBits. The bounds that it is called with must
// have their Stretches before them, and no zero with a sign.
Search search_of_stretches(std::uint32_t most, std::uint32_t bits) noexcept;
inline constexpr std::uint32_t kMostBits = 14;
static_assert(1u << kMostBits == kMostStretches, "stretches fill one power of two at least");

}  // namespace metrics::update
