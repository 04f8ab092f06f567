// verify_directory.h -- checks a segment's directory in the space of one copy of it.
//
// A reader that shows a segment keeps a description of each series. To check one takes none: each
// record is looked at where it stands in the copy, and what has to be known of all of them at once
// is a bit of each word, and for a while a few bytes of each series.
#pragma once

#include <boost/dynamic_bitset.hpp>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "libmetrics/format/geometry.h"
#include "libmetrics/format/records.h"
#include "libmetrics/reader/faults.h"
#include "libmetrics/reader/reader.h"
#include "libmetrics/reader/seeded.h"

namespace metrics::reader {

// A bit for each word of a stretch of bytes.
class WordBits {
 public:
  WordBits(format::Offset first, std::uint64_t bytes) : first_(first), bits_(bytes / 8) {}
  bool at(format::Offset offset) const { return bits_[(offset - first_) / 8]; }
  void set(format::Offset offset, bool value = true) { bits_[(offset - first_) / 8] = value; }
  // Returns true if any word is set that has one of those bytes, which must be in the stretch.
  bool any(format::Offset offset, std::uint64_t bytes) const {
    const format::Offset end = offset + bytes;
    return offset < end && (at(offset) || next(offset) < end);
  }
  // Return the first word that is set, and the first one behind that one; kNone if there is none.
  static constexpr format::Offset kNone = ~format::Offset{0};
  format::Offset first() const { return offset_of(bits_.find_first()); }
  format::Offset next(format::Offset offset) const {
    return offset_of(bits_.find_next((offset - first_) / 8));
  }

 private:
  using Bits = boost::dynamic_bitset<std::uint64_t>;
  format::Offset offset_of(Bits::size_type bit) const {
    return bit == Bits::npos ? kNone : first_ + bit * 8;
  }
  format::Offset first_;
  Bits bits_;
};

// A record's offset in units of 8 bytes, as in Chain::commit.
using RecordNumber = std::uint32_t;
constexpr RecordNumber number_of(format::Offset record) {
  return static_cast<RecordNumber>(record / alignof(format::Record));
}
constexpr format::Offset offset_of(RecordNumber record) {
  return format::Offset{record} * alignof(format::Record);
}

class VerifiedDirectory {
 public:
  // Needs a look_at_header() of the reader that has succeeded. Adds each fault.
  VerifiedDirectory(Reader& reader, Faults& faults);
  // Returns false, with the reader's why(), if the directory can't be read.
  bool is_read() const noexcept { return is_read_; }

  // The records, with the state that each had when it was checked.
  const format::Window& records() const noexcept { return records_; }
  // Returns the family of a series among these.
  const format::FamilyView& family_of(const format::SeriesRecord& series) const {
    return families_.at(series.family);
  }
  // Calls `visit` with the offset of each live series that is sound, in ascending order.
  template <class Visit>
  void each_series(Visit visit) const {
    for (format::Offset at = kept_.first(); at != WordBits::kNone; at = kept_.next(at)) {
      if (records_.at<format::Record>(at)->kind == format::Kind::kSeries) visit(at);
    }
  }

 private:
  bool copy_links();
  void follow_links();
  bool copy_records();
  void take_piece(format::Offset at, std::uint64_t bytes, const std::uint64_t* now);
  bool is_live(format::Offset offset) const;
  bool is_described_alike(format::Offset offset) const;
  void check_records();
  void check_family(format::Offset offset);
  void check_series(format::Offset offset);
  void check_identities();
  void check_shared_cells();
  void check_ranges();
  void fault_at(format::Offset offset, const std::string& why) {
    add_fault(faults_, "record at " + std::to_string(offset) + ' ' + why);
  }
  // Calls `visit` with each linked record, in ascending order.
  template <class Visit>
  void each_record(Visit visit) const {
    for (format::Offset at = linked_.first(); at != WordBits::kNone; at = linked_.next(at)) {
      visit(at, *records_.at<format::Record>(at));
    }
  }
  std::uint64_t& word(format::Offset offset) { return copy_[(offset - geometry_.index) / 8]; }

  Reader& reader_;
  Faults& faults_;
  const format::Geometry geometry_;
  std::vector<std::uint64_t> copy_;  // of index and directory
  format::Window records_;           // of the same
  format::Window directory_;         // without the index
  WordBits linked_;                  // a record begins there
  WordBits differs_;                 // the second copy had something else there
  bool any_differs_ = false;
  bool is_read_ = false;
  WordBits kept_;  // of families and live series: the record is sound
  WordBits idle_;  // a series' record that is not live
  std::unordered_map<format::Offset, format::FamilyView, Seeded> families_;
  std::unordered_set<format::Offset, Seeded> unknown_;  // families of later versions
  std::uint64_t series_ = 0;                            // that are kept
};

}  // namespace metrics::reader
