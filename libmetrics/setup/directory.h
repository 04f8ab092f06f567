// directory.h -- registering in the append-only part of a segment that describes families and
// series.
//
// Records hang in chains. A registrant walks its chain to the end; what it finds it uses, or is
// refused. Else it fills a record in bytes that it has reserved and links it with one
// compare-and-swap on the last `next`, which is the only commit: if that fails, it walks on from
// there. Hence nobody waits, there are no duplicates, and a killed registrant costs the bytes that
// it had reserved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "libmetrics/format/definition.h"
#include "libmetrics/format/records.h"
#include "libmetrics/update/segment.h"

namespace metrics::setup {

// Over the mapped segment. Any thread of any process may call these at any time.
class Directory {
 public:
  explicit Directory(const update::Segment& segment) noexcept;

  // The offset of the family of that definition. Throws Error: METRICS_CONFLICT with both
  // definitions, METRICS_FULL, METRICS_INCOMPATIBLE if the chain is damaged.
  format::Offset family(const format::Definition& definition) const;

  struct Found {
    format::Offset offset;
    std::uint64_t first_cell;
    const format::Cell* removed;  // not 0 once anybody has removed the series
  };
  // The series of that family, by its definition, with these strings, registered if new. `hash` is
  // strings_hash(). Throws Error: METRICS_FULL, METRICS_INCOMPATIBLE.
  Found series(format::Offset family, const format::Definition& definition,
               std::span<const std::string> strings, std::uint64_t hash) const;

  // Marks the series removed; nothing if there is none.
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
