// directory.h -- registering families and series in a segment's append-only directory.
//
// Records hang in chains. A registrant walks its chain to the end. If it finds its record, it uses
// that. Else it fills a record in bytes that it has reserved and links it with one compare-and-swap
// on the last `next`, which is the only commit. If that fails, it walks on from there. Hence no
// registrant waits, there are no duplicates, and a killed registrant costs the bytes, and cells,
// that it had reserved. Another definition of the same name is no reason to refuse one: both are
// editions of the family (format/editions.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libmetrics/format/definition.h"
#include "libmetrics/format/records.h"
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
    const format::Cell* state;  // of the record
    std::uint64_t live;         // what *state holds for as long as the record is this series'
  };
  // Returns the series of that family with these strings; registers it if it is new. `definition`
  // is the family's, `hash` is strings_hash(). Throws Error: METRICS_FULL if directory or cells are
  // used up; METRICS_INCOMPATIBLE if the chain or the record is damaged.
  Found series(format::Offset family, const format::Definition& definition,
               std::span<const std::string> strings, std::uint64_t hash) const;
  // Counts that the family, or a series of it, was refused outside of the directory, and writes
  // down which one. `family` is 0 if it was the family.
  void refused(format::Drop reason, const format::Definition& definition,
               format::Offset family) const noexcept;

  // Mark series removed in all editions of that name that are one family: the series that show
  // under these label values, whatever order an edition has its labels in; all series. `definition`
  // is of the edition whose label values are given. Both throw Error(METRICS_INCOMPATIBLE) if a
  // chain is damaged.
  void remove(const format::Definition& definition, std::span<const std::string> strings) const;
  void remove_all(const format::Definition& definition) const;

 private:
  struct Asked {  // what something is reserved for, so that a refusal can name it
    const format::Definition& definition;
    format::Offset family;  // 0: it is the family itself that is registered
  };
  bool fits(std::uint64_t used, std::uint64_t bytes) const noexcept;
  void note(format::Drop reason, const Asked& asked, std::uint64_t needed) const noexcept;
  [[noreturn]] void refuse_full(const Asked& asked, std::uint64_t bytes) const;
  [[noreturn]] void refuse_chain(const Asked& asked) const;
  [[noreturn]] void refuse_damaged() const;
  static std::string what(const Asked& asked);
  void expect_room(std::uint64_t bytes, const Asked& asked) const;
  format::Offset reserve(std::uint64_t bytes, const Asked& asked) const;
  std::uint64_t reserve_cells(std::uint32_t count, const Asked& asked) const;
  format::Link& chain(std::uint64_t hash) const noexcept;
  template <class Visit>
  format::Link* walk(format::Link* link, Visit visit) const;
  template <class Same, class Expect, class Make>
  format::Offset find_or_link(std::uint64_t hash, format::Kind kind, const Asked& asked, Same same,
                              Expect expect, Make make) const;
  std::vector<format::FamilyView> families_of_stem(std::string_view name) const;
  std::vector<format::FamilyView> editions_of(const format::Definition& definition) const;

  const update::Segment& segment_;
  format::Window window_;
};

}  // namespace metrics::setup
