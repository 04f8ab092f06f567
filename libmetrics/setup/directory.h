// directory.h -- registering families and series in a segment's directory.
//
// Records hang in chains. A registrant walks its chain to the end. If it finds its record, it uses
// that. Else it fills a record in bytes that it has reserved and links it with one compare-and-swap
// on the last `next`. If that fails, it walks on from there. A family is registered by that.
// Another definition of the same name is no reason to refuse one: both are editions of the family
// (format/editions.h).
//
// A series' record may be one that was there before, of a removed series (setup/reuse.h), and
// stands where it stood. So it is registered in a second step: each chain has a word that names the
// last registration. A registrant that has its record filled reads the word, helps the registration
// that it names to be complete, walks once more, and swaps the word for one that names its own.
// Killed before that, its record is brought back by who meets it; killed after it, whoever comes
// next completes the registration. tests/model/chain.pml has every step.
//
// Hence no registrant waits, and no series has two live records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libmetrics/format/definition.h"
#include "libmetrics/format/records.h"
#include "libmetrics/setup/reuse.h"
#include "libmetrics/update/segment.h"

namespace metrics::setup {

// Works on the mapped segment. Any thread of any process may call these at any time.
class Directory {
 public:
  explicit Directory(const update::Segment& segment) noexcept;

  // Returns the offset of the family of that definition; registers it if it is new. `opened` is
  // the word of this definition in this process, see FamilyRecord::opened. Throws Error:
  // METRICS_FULL if the directory is full, or the name has too many editions; METRICS_INCOMPATIBLE
  // if the chain is damaged.
  format::Offset family(const format::Definition& definition, std::uint64_t opened) const;

  // Returns a description of the family that is served instead of this one, because the two collide
  // and it was opened later; empty if this one is served. Throws Error(METRICS_INCOMPATIBLE) if the
  // chain is damaged.
  std::optional<std::string> served_instead(const format::Definition& definition,
                                            format::Offset family) const;

  struct Found {
    std::uint64_t first_cell;
    std::uint32_t cells;        // with its places
    const format::Cell* state;  // of the record
    std::uint64_t live;         // what *state holds for as long as the record is this series'
    std::uint64_t born;         // of the record
  };
  // Returns the series of that family with these strings; registers it if it is new. `definition`
  // is the family's, `hash` is strings_hash(). Empty if it is new and the family has as many series
  // as it may have. Throws Error: METRICS_FULL if directory or cells are used up, or what is left
  // is kept for families with few series; METRICS_INCOMPATIBLE if the chain or the record is
  // damaged.
  std::optional<Found> series(format::Offset family, const format::Definition& definition,
                              std::span<const std::string> strings, std::uint64_t hash,
                              Reuse& reuse) const;
  // Returns true if the chain has a live series of that family whose label values have that hash.
  // For look-ups without the process's mutex: allocates nothing. Throws
  // Error(METRICS_INCOMPATIBLE) if the chain is damaged.
  bool has_series(format::Offset family, std::uint64_t hash) const;
  // Returns the family's record, which must be one.
  format::FamilyRecord& family_record(format::Offset family) const noexcept;
  // Makes readers know that the series with that state word is the family's overflow series.
  void set_overflow(format::Offset family, const format::Cell* state) const noexcept;
  // Returns the family of the series whose record has that state word; 0 if it has none now.
  format::Offset family_of(const format::Cell* state) const noexcept;
  // Counts that the family, or a series of it, was refused outside of the directory, and writes
  // down which one. `family` is 0 if it was the family.
  void refused(format::Drop reason, const format::Definition& definition,
               format::Offset family) const noexcept;

  struct Removed {
    format::Offset family;
    const format::Cell* state;  // of the record
    std::uint64_t date;         // by Header::clock
  };
  // Removes the family's series whose record has that state word, if it still holds `live`, unless
  // it is the overflow series. Returns the date of the removal; 0 if nothing was removed.
  std::uint64_t remove_known(format::Offset family, const format::Cell* state,
                             std::uint64_t live) const noexcept;
  // Remove series in all editions of that name that are one family: the series that show under
  // these label values, whatever order an edition has its labels in; all series. Overflow series
  // stay: they must be there, and hold the counts of many. `definition` is of the edition whose
  // label values are given. Both throw Error(METRICS_INCOMPATIBLE) if a chain is damaged.
  std::vector<Removed> remove(const format::Definition& definition,
                              std::span<const std::string> strings) const;
  void remove_all(const format::Definition& definition) const;

 private:
  struct Asked {  // what something is reserved for, so that a refusal can name it
    const format::Definition& definition;
    format::Offset family;  // 0: it is the family itself that is registered
  };
  bool may_reuse() const noexcept;
  std::uint64_t kept_from(const Asked& asked, std::uint64_t all) const noexcept;
  bool fits(std::uint64_t used, std::uint64_t bytes, std::uint64_t kept) const noexcept;
  void note(format::Drop reason, const Asked& asked, std::uint64_t needed) const noexcept;
  [[noreturn]] void refuse_full(const Asked& asked, std::uint64_t bytes, std::uint64_t kept) const;
  [[noreturn]] void refuse_chain(const Asked& asked) const;
  [[noreturn]] void refuse_damaged() const;
  static std::string what(const Asked& asked);
  void expect_room(std::uint64_t bytes, const Asked& asked) const;
  format::Offset reserve(std::uint64_t bytes, const Asked& asked) const;
  std::uint64_t reserve_cells(std::uint32_t count, const Asked& asked) const;
  format::Chain& chain(std::uint64_t hash) const noexcept;
  template <class Visit>
  format::Link* walk(format::Link* link, Visit visit) const;
  template <class Same, class Expect, class Make>
  format::Offset find_or_link(std::uint64_t hash, format::Kind kind, const Asked& asked, Same same,
                              Expect expect, Make make) const;
  bool has_strings(format::Offset offset, format::Offset family,
                   std::span<const std::string> strings) const;
  bool is_series(format::Offset offset, format::Offset family,
                 std::span<const std::string> strings) const;
  static bool is_live(const format::Record& record) noexcept;
  std::uint64_t remove_record(format::SeriesRecord& record, std::uint64_t live,
                              format::Offset family) const noexcept;

  // ---- in directory_series.cpp ----
  struct Wanted;
  struct Live {
    format::SeriesRecord* record;
    std::uint64_t state;
  };
  format::SeriesRecord* series_at(format::Offset offset) const noexcept;
  format::Offset offset_of(const format::SeriesRecord& record) const noexcept;
  void complete(std::uint64_t word) const noexcept;
  Live linked_live(const Wanted& wanted) const;
  Live registered(const Wanted& wanted, Reuse& reuse) const;
  Taken taken(const Wanted& wanted, Reuse& reuse) const;
  Taken appended(const Wanted& wanted, Reuse& reuse) const;
  template <class Fits>
  Taken another(std::uint64_t chains, Reuse& reuse, Fits fits) const;
  Taken with_room(const Wanted& wanted, std::uint64_t more, Reuse& reuse) const;
  void give_cells(format::SeriesRecord& record, const Wanted& wanted, Reuse& reuse) const;
  void give_room(format::SeriesRecord& record, const Wanted& wanted, Reuse& reuse) const;
  static void hand_room(format::SeriesRecord& from, format::SeriesRecord& to) noexcept;
  void fill(format::SeriesRecord& record, const Wanted& wanted, const Reuse& reuse) const;
  std::vector<format::FamilyView> families_of_stem(std::string_view name) const;
  std::vector<format::FamilyView> editions_of(const format::Definition& definition) const;

  const update::Segment& segment_;
  format::Window window_;
};

// Calls visit(offset, record) for the records of the chain from `link` on, until it returns true.
// Returns nullptr if it did, else the last link of the chain, where the next record belongs. Throws
// Error(METRICS_INCOMPATIBLE) if the chain leads out of the directory or does not end.
template <class Visit>
format::Link* Directory::walk(format::Link* link, Visit visit) const {
  std::uint64_t left = segment_.geometry().directory_bytes / sizeof(format::Record);
  for (; left > 0; --left) {
    const format::Offset offset =
        link->load(std::memory_order_acquire);  // pairs with find_or_link's release
    if (offset == 0) return link;
    const auto* record = window_.at<format::Record>(offset);
    if (record == nullptr || offset < segment_.geometry().directory) break;
    if (visit(offset, *record)) return nullptr;
    link = const_cast<format::Link*>(&record->next);
  }
  refuse_damaged();
}

// Returns the record of the chain for which same(offset) is true. If there is none yet, calls
// make() once for the offset of a filled record and links it. Before each attempt to link it calls
// expect(), which throws if the record must not be linked. A chain has a bound, so that no
// registrant's walk can be made long: at the bound, the directory is as good as full. Removed
// series don't count: only the program itself can remove them.
template <class Same, class Expect, class Make>
format::Offset Directory::find_or_link(std::uint64_t hash, format::Kind kind, const Asked& asked,
                                       Same same, Expect expect, Make make) const {
  format::Link* link = &chain(hash).first;
  format::Offset mine = 0;
  std::uint32_t passed = 0;
  for (;;) {
    format::Offset found = 0;
    link = walk(link, [&](format::Offset offset, const format::Record& record) {
      if (record.kind != format::Kind::kSeries || is_live(record)) ++passed;
      if (record.kind == kind && record.hash == hash && same(offset)) found = offset;
      return found != 0;
    });
    if (link == nullptr) return found;
    if (passed >= format::kMaxChain) refuse_chain(asked);
    expect();
    if (mine == 0) mine = make();
    std::uint64_t end = 0;
    // The only commit. Release: a registrant or reader that follows the link sees the record
    // filled. Acquire on failure: this registrant goes on into the record that another one has
    // linked here.
    if (link->compare_exchange_strong(end, mine, std::memory_order_release,
                                      std::memory_order_acquire)) {
      return mine;
    }
  }
}

}  // namespace metrics::setup
