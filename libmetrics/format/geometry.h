// geometry.h -- a segment's size and the offsets of its parts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libmetrics/format/file.h"
#include "libmetrics/format/layout.h"
#include "metrics/metrics.h"

namespace metrics::format {

using SlotIndex = std::uint32_t;  // 0: shared; 1..first_slots: processes; above: lanes

// A segment's size and the offsets of its parts, as the header gives them once it has been checked.
struct Geometry {
  std::uint32_t head_bytes, first_slots, lanes;
  std::uint64_t cells, file_bytes, heads, index, index_buckets;
  std::uint64_t directory, directory_bytes, slots, slot_bytes;

  SlotIndex slot_count() const noexcept { return 1 + first_slots + lanes; }
  std::uint64_t head_offset(SlotIndex slot) const noexcept {
    return heads + std::uint64_t{slot} * head_bytes;
  }
  std::uint64_t slot_offset(SlotIndex slot) const noexcept {
    return slots + std::uint64_t{slot} * slot_bytes;
  }
  std::uint64_t shared_bytes() const noexcept { return slots; }  // everything before slot 0
  friend bool operator==(const Geometry&, const Geometry&) = default;
};

// The largest file that a segment can be. It keeps sums of offsets free of overflow.
inline constexpr std::uint64_t kMostFileBytes = std::uint64_t{1} << 46;

// The geometry of a header, or the reason why it can't be a segment's, as the rest of a sentence
// that begins with the file's name.
struct CheckedGeometry {
  std::optional<Geometry> geometry;
  std::string why;  // if geometry is empty
};
// Checks a header that was copied from a file of that size, and sets the fields to 0 that the file
// does not have. The original must not be passed, since any process may be writing it.
CheckedGeometry check_header(Header& copy, std::uint64_t file_bytes, OpenFor purpose);

// Returns a counter of the header, or `most` if it is larger: failed attempts may exceed that.
inline std::uint64_t capped(const Cell& counter, std::uint64_t most) noexcept {
  return std::min(counter.load(std::memory_order_relaxed), most);
}

// Returns all slots that were ever used: slot 0, those of processes, those of threads. Doubles are
// added in this order.
std::vector<SlotIndex> used_slots(const Geometry& geometry, SlotIndex first_slots_used,
                                  SlotIndex lanes_used);

// Returns where the parts of a new segment of that size stand.
Geometry geometry_of(const metrics_geometry& wanted);

}  // namespace metrics::format
