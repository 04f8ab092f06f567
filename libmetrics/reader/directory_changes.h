// directory_changes.h -- takes into a catalogue what has changed in the directory, without reading
// the rest of it anew.
//
// Records are never moved, and a chain only gets longer: so a change is a link to a new record, or
// the state of a series' record, with all that the record holds. Whatever else has changed can't be
// right, or is so rare that it may cost more: then everything is read anew, and checked as it is
// when a segment is opened. So what comes out is always what contents() would have returned.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "libmetrics/format/geometry.h"
#include "libmetrics/format/records.h"
#include "libmetrics/reader/block_copies.h"
#include "libmetrics/reader/catalogue.h"
#include "libmetrics/reader/limits.h"
#include "libmetrics/reader/record_index.h"

namespace metrics::reader {

class DirectoryChanges {
 public:
  // The catalogue's records are the copy that is kept, to whose links and states index and contents
  // belong; `unsettled` are series whose states were not the same in both copies that were made of
  // them, and that must be looked at again.
  DirectoryChanges(Catalogue& catalogue, RecordIndex& index, std::set<format::Offset>& unsettled,
                   BlockCopies::Copy copy);

  enum class Outcome {
    kSame,            // nothing that is shown
    kChanged,         // catalogue.changed has the series
    kShownOtherwise,  // another edition may be a family's last
    kElse,            // everything must be read anew; what the catalogue holds by now means nothing
    kUnreadable       // the file can't be read
  };
  // Takes in the blocks with these numbers, ascending, which differ from the copy.
  Outcome take(std::span<const std::uint32_t> different);

 private:
  using Offset = format::Offset;
  bool fetch(std::span<const std::uint32_t> numbers);
  bool add_missing(Offset offset, std::uint64_t bytes, std::set<std::uint32_t>& numbers) const;
  bool fetch_series();
  format::Window window() const;

  void change(Offset offset, std::uint64_t before, std::uint64_t first);
  void change_link(Offset offset, std::uint64_t before, std::uint64_t first);
  void change_of_record(const RecordIndex::Entry& record, Offset offset);
  bool gather();
  bool follow(Offset link);

  bool is_live(Offset offset) const;
  bool is_described_alike(Offset offset) const;
  bool retract();
  bool admit();
  bool admit(Offset offset, const SumCosts& costs);
  bool is_explained(Offset text) const;
  bool take_families();
  void settle();

  Catalogue& catalogue_;
  RecordIndex& index_;
  std::set<Offset>& unsettled_;
  BlockCopies copies_;
  bool unreadable_ = false, else_ = false;
  std::vector<Offset> links_;                           // words that lead to new records
  std::set<Offset> series_;                             // records of series to look at
  std::set<Offset> families_;                           // whose cells have changed
  std::vector<Offset> texts_;                           // words behind the fixed parts of series
  std::set<Offset> idle_, live_;                        // those that have become it
  std::map<std::uint32_t, Catalogue::Change> changed_;  // by place
  bool is_shown_otherwise_ = false;                     // another edition is the last, or may be
};

}  // namespace metrics::reader
