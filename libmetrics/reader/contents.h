// contents.h -- checks a copy of a segment's directory: keeps what is linked and can be right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libmetrics/format/geometry.h"
#include "libmetrics/format/records.h"
#include "libmetrics/reader/identities.h"

namespace metrics::reader {

// What is linked, in the order of offsets. Series that were added since they were read first may
// stand in any order, and in the place of one that is not live any more.
struct Contents {
  std::vector<format::FamilyView> families;
  // Live ones, each of a family among `families`; and gaps, where one was that is not live any
  // more: is_live() is false, and nothing else of them means anything.
  std::vector<format::SeriesView> series;
  std::vector<std::uint32_t> gaps;  // where they are
  // The records of series that are not live: removed, resting, taken, or not committed yet. Nothing
  // of them was checked, and processes change them; the whole fixed part lies in the copies.
  std::vector<format::Offset> idle;
  // How many families are of a type or mode that a later version of this library knows. They and
  // their series are left out; they are no faults.
  std::size_t unknown_families = 0;
  std::size_t other_records = 0;  // linked ones of kinds that a later version may know
  // Return the number of live series; and that of all, the removed ones included.
  std::size_t live_series() const noexcept { return series.size() - gaps.size(); }
  std::size_t series_records() const noexcept { return live_series() + idle.size(); }
};
// Returns what a copy of the file's bytes from `first` on holds; valid as long as the copy.
inline format::Window window_of(std::span<const std::uint64_t> copy, format::Offset first) {
  return {reinterpret_cast<const std::byte*>(copy.data()), first, first + copy.size_bytes()};
}

// Returns true if a live series' record says the same in both copies, as far as the second one, in
// `records`, has it from after its state: the state vouches for what was copied before it, but a
// record may be taken and filled behind it, in the middle of a copy. What was copied before may
// differ: it may have been filled during the first copy. alike(first, size) answers for bytes.
template <class Alike>
bool is_described_alike(const format::Window& records, format::Offset offset, Alike alike) {
  using format::SeriesRecord;
  constexpr std::uint64_t kHolder = offsetof(SeriesRecord, holder);
  constexpr std::uint64_t kBehind = kHolder + sizeof(format::Cell);
  if (!alike(offset + sizeof(format::Record), kHolder - sizeof(format::Record)) ||
      !alike(offset + kBehind, sizeof(SeriesRecord) - kBehind)) {
    return false;
  }
  const auto* series = records.at<SeriesRecord>(offset);
  return series == nullptr || series->strings < offset ||
         records.bytes(series->strings, series->room).empty() ||
         alike(series->strings, std::uint64_t{series->room});
}

// Returns everything that is linked, out of two copies that reach from the index to the end of the
// directory's used part. The caller takes `links` first, in which chains are followed, and begins
// `records` when that is complete; descriptions are read from it. Both may be the same copy if no
// process writes.
//
// A family that was linked in the first copy was filled before the second one, while a single copy
// may hold a link and, from a moment earlier, the record's bytes half written. A series is live if
// its state is the same live word in both copies: a version never comes back, so the record was
// that series' all the time in between, and all series that are returned were live at the moment
// when the first copy was complete and the second one not begun. So no two of them can have the
// same labels or cells, however many records are used again meanwhile. What the second copy has
// from after the state must be the same in both: else the record was taken in the middle of it.
//
// Records that can't be right are left out, and with them, if a chain leads outside or in a circle,
// the rest of their chain; each such fault, up to 10,000, is a sentence in *faults, unless that is
// null. A link beyond the copy is no fault: it was stored later.
//
// Asks `stop` now and then; returns an empty optional once that is true. *identities, unless it is
// null, gets those of the series, if there is no fault.
std::optional<Contents> contents(const format::Window& links, const format::Window& records,
                                 const format::Geometry& geometry, std::vector<std::string>* faults,
                                 const std::function<bool()>& stop,
                                 Identities* identities = nullptr);

// The parts of it that a record goes through by itself. Returns true if a series' record was one
// and the same live series in both copies of its state; the rest of it must be the same, too.
bool is_live(std::uint64_t state_in_links, std::uint64_t state_in_records) noexcept;
// Returns what is wrong with a live series of that family, apart from what it shares with others;
// empty if nothing is.
std::string fault_of(const format::FamilyView& family, const format::SeriesView& series,
                     const format::Geometry& geometry);
// Leaves out places for exemplars that can't be right.
void mend_places(const format::FamilyView& family, format::SeriesView& series,
                 const format::Geometry& geometry) noexcept;
// Returns the part of a window that is the directory: no record and no string is in the index.
format::Window directory_in(const format::Window& window, const format::Geometry& geometry);

}  // namespace metrics::reader
