// directory_changes.h -- takes into a catalogue what has changed in the directory, without reading
// the rest of it anew.
//
// Records are never moved, and a chain only gets longer: so a change is a link to a new record, or
// the state of a series' record, with all that the record holds. Whatever else has changed can't be
// right, or is so rare that it may cost more: then everything is read anew, and checked as it is
// when a segment is opened. So what comes out is always what contents() would have returned.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "libmetrics/format/geometry.h"
#include "libmetrics/format/records.h"
#include "libmetrics/reader/catalogue.h"
#include "libmetrics/reader/limits.h"
#include "libmetrics/reader/record_index.h"

namespace metrics::reader {

// The pieces in which the directory is compared and copied; each begins a multiple of that behind
// the index.
inline constexpr std::uint64_t kBlock = 4096;

class DirectoryChanges {
 public:
  // Copies bytes of the file. Returns false if they can't be read.
  using Copy = std::function<bool(format::Offset from, std::uint64_t bytes, void* to)>;

  // The catalogue's records are the copy that is kept, to whose links and states index and contents
  // belong; `unsettled` are series whose states were not the same in both copies that were made of
  // them, and that must be looked at again.
  DirectoryChanges(Catalogue& catalogue, RecordIndex& index, std::set<format::Offset>& unsettled,
                   Copy copy);

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
  // A word of a block that was copied again: what stood there before, and what the first of the two
  // new copies has, one of which is not what the second has; that is in the catalogue's records.
  struct Word {
    Offset offset;
    std::uint64_t before, first;
  };

  bool fetch(std::span<const std::uint32_t> numbers);
  bool add_missing(Offset offset, std::uint64_t bytes, std::set<std::uint32_t>& numbers) const;
  bool fetch_series();
  std::uint64_t block_of(Offset offset) const noexcept;
  bool is_copied(std::uint64_t block) const;
  const Word* changed_word(Offset offset) const;
  std::uint64_t first_copy(Offset offset) const;
  std::uint64_t before(Offset offset) const;
  std::uint64_t& word(Offset offset);
  format::Window window() const;

  std::span<std::uint64_t> part(std::uint32_t block);
  bool copy_part(std::uint32_t block, std::vector<std::uint64_t>& to);
  void change(Offset offset, std::uint64_t before, std::uint64_t first);
  void change_link(Offset offset, std::uint64_t before, std::uint64_t first);
  void change_of_record(const RecordIndex::Entry& record, Offset offset);
  bool gather();
  bool follow(Offset link);

  bool is_live(Offset offset) const;
  bool is_alike(Offset offset, std::uint64_t bytes) const;
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
  const Copy copy_;
  bool unreadable_ = false, else_ = false;
  // Both ascending: which blocks were copied again, and which of their words have changed. Blocks
  // as a whole would take much memory: each new series may be linked from another one.
  std::vector<std::uint32_t> blocks_;
  std::vector<Word> words_;
  std::vector<Offset> links_;                           // words that lead to new records
  std::set<Offset> series_;                             // records of series to look at
  std::set<Offset> families_;                           // whose cells have changed
  std::vector<Offset> texts_;                           // words behind the fixed parts of series
  std::set<Offset> idle_, live_;                        // those that have become it
  std::map<std::uint32_t, Catalogue::Change> changed_;  // by place
  bool is_shown_otherwise_ = false;                     // another edition is the last, or may be
};

}  // namespace metrics::reader
