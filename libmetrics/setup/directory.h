// directory.h -- registering families and series in a segment's append-only directory.
//
// Records hang in chains. A registrant walks its chain to the end. If it finds its record, it uses
// that; if it finds a conflicting one, it is refused. Else it fills a record in bytes that it has
// reserved and links it with one compare-and-swap on the last `next`, which is the only commit. If
// that fails, it walks on from there. Hence no registrant waits, there are no duplicates, and a
// killed registrant costs the bytes, and cells, that it had reserved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "libmetrics/format/definition.h"
#include "libmetrics/format/records.h"
#include "libmetrics/update/segment.h"

namespace metrics::setup {

// Works on the mapped segment. Any thread of any process may call these at any time.
class Directory {
 public:
  explicit Directory(const update::Segment& segment) noexcept;

  // Returns the offset of the family of that definition; registers it if it is new. Throws Error:
  // METRICS_CONFLICT with both definitions; METRICS_FULL if the directory is full;
  // METRICS_INCOMPATIBLE if the chain is damaged.
  format::Offset family(const format::Definition& definition) const;

  struct Found {
    std::uint64_t first_cell;
    const format::Cell* removed;  // not 0 once any process has removed the series
  };
  // Returns the series of that family with these strings; registers it if it is new. `definition`
  // is the family's, `hash` is strings_hash(). Throws Error: METRICS_FULL if directory or cells are
  // used up; METRICS_INCOMPATIBLE if the chain or the record is damaged.
  Found series(format::Offset family, const format::Definition& definition,
               std::span<const std::string> strings, std::uint64_t hash) const;

  // Marks the series removed; does nothing if there is no such series. Both throw
  // Error(METRICS_INCOMPATIBLE) if a chain is damaged.
  void remove(format::Offset family, std::span<const std::string> strings,
              std::uint64_t hash) const;
  void remove_all(format::Offset family) const;

 private:
  bool fits(std::uint64_t used, std::uint64_t bytes) const noexcept;
  [[noreturn]] void refuse_full() const;
  [[noreturn]] void refuse_damaged() const;
  void expect_room(std::uint64_t bytes) const;
  format::Offset reserve(std::uint64_t bytes) const;
  std::uint64_t reserve_cells(std::uint32_t count) const;
  format::Link& chain(std::uint64_t hash) const noexcept;
  template <class Visit>
  format::Link* walk(format::Link* link, Visit visit) const;
  template <class Same, class Make>
  format::Offset find_or_link(std::uint64_t hash, format::Kind kind, Same same, Make make) const;

  const update::Segment& segment_;
  format::Window window_;
};

}  // namespace metrics::setup
