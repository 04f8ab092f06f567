// record_index.h -- finds the record that a word of the directory belongs to, and whatever else
// has to be known of all records to take in one more.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "libmetrics/format/geometry.h"
#include "libmetrics/format/records.h"
#include "libmetrics/reader/contents.h"
#include "libmetrics/reader/identities.h"

namespace metrics::reader {

class RecordIndex {
 public:
  // Makes an index of what contents() has returned, without a fault and with `identities`. An empty
  // optional if a record is there of which the contents tell nothing, or records are so many or
  // lie so that changes can't be told apart: then the directory must be read anew when it changes.
  static std::optional<RecordIndex> of(const Contents& contents, Identities identities,
                                       const format::Window& records,
                                       const format::Geometry& geometry);

  // A linked record. `number` leads into Contents::families or Contents::series.
  enum class Kind : std::uint8_t { kFamily, kSeries, kIdle };
  struct Entry {
    format::Offset offset;
    Kind kind;
    std::uint32_t number;
  };
  // Returns the record that begins there.
  std::optional<Entry> at(format::Offset offset) const noexcept;
  // Returns the record that begins last, at or before that offset.
  std::optional<Entry> last_before(format::Offset offset) const noexcept;

  // Adds a record, or changes what is known of it. Returns false if another one begins so near that
  // they overlap.
  bool set(const Entry& entry);

  // Adds a live series, which at() knows as one. Returns false if it shares its labels, cells or
  // room with another one, or has cells so far behind all others that to know them would take more
  // memory than the directory; the index is then of no more use.
  bool admit(const Contents& contents, std::uint32_t series, const format::Window& records);
  void retract(const Contents& contents, std::uint32_t series);

  // Returns the live series whose strings may be at that offset, behind another one's record.
  std::optional<std::uint32_t> stranger_at(format::Offset offset) const noexcept;
  // Returns the end of the last cell of a live series.
  std::uint64_t end_of_cells();
  std::uint64_t record_bytes() const noexcept { return record_bytes_; }
  void add_record_bytes(std::uint64_t bytes) noexcept { record_bytes_ += bytes; }
  void subtract_record_bytes(std::uint64_t bytes) noexcept { record_bytes_ -= bytes; }

 private:
  RecordIndex() = default;
  bool claim_cells(const format::SeriesView& series);
  bool claim_room(const format::SeriesView& series, std::uint32_t number,
                  const format::Window& records);

  format::Offset directory_ = 0;
  std::uint64_t most_cells_ = 0;
  // By stretch of kGranule bytes of the directory: 0, or the record that begins in it.
  std::vector<std::uint32_t> granules_;
  Identities identities_;
  std::vector<bool> cells_;  // true: a live series' own
  struct Room {
    format::Offset end;
    std::uint32_t series;
  };
  std::map<format::Offset, Room> strangers_;       // by offset; see stranger_at()
  std::map<std::uint32_t, format::Offset> rooms_;  // of the same, by series
  std::uint64_t record_bytes_ = 0;                 // of all records, as contents() counts them
};

// Returns how many bytes contents() counts for a record of a series, which is live or is not.
std::uint64_t counted_bytes(const format::Window& records, format::Offset offset, bool is_live);

}  // namespace metrics::reader
