// directory.h -- the append-only part of a segment that describes families and series.
//
// Records hang in chains. A registrant walks its chain to the end; what it finds it uses, or is refused.
// Else it fills a record in bytes that it has reserved and links it with one compare-and-swap on the last
// `next`, which is the only commit: if that fails, it walks on from there. Hence nobody waits, there are
// no duplicates, and a killed registrant costs the bytes that it had reserved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/format/definition.h"
#include "libmetrics/format/hash.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/update/segment.h"

namespace metrics::core {

using Offset = std::uint64_t;  // from the start of the file; 0 is no record's

// The bytes of a file from `first` on: a mapping, or a copy. Hands out only what lies inside.
class Window {
 public:
  Window(const std::byte* bytes, Offset first, Offset last) noexcept
      : bytes_(bytes), first_(first), last_(last) {}

  // nullptr if the object would not lie inside, or not at a multiple of its alignment.
  template <class T>
  const T* at(Offset offset) const noexcept {
    return reinterpret_cast<const T*>(bytes_at(offset, sizeof(T), alignof(T)));
  }
  Offset last() const noexcept { return last_; }
  std::span<const std::byte> bytes(Offset offset, std::uint64_t size) const noexcept {
    const std::byte* begin = bytes_at(offset, size, 1);
    return begin == nullptr ? std::span<const std::byte>() : std::span(begin, size);
  }

 private:
  const std::byte* bytes_at(Offset offset, std::uint64_t size,
                            std::uint64_t alignment) const noexcept {
    const bool inside = offset >= first_ && offset <= last_ && size <= last_ - offset;
    return inside && offset % alignment == 0 ? bytes_ + (offset - first_) : nullptr;
  }
  const std::byte* bytes_;
  Offset first_;
  Offset last_;
};

// Views into a window: valid as long as its bytes.
struct FamilyView {
  Offset offset;
  Type type;
  Mode mode;
  std::string_view name, help, unit;
  std::vector<std::string_view> labels;
  std::span<const double> bounds;
};
struct SeriesView {
  Offset offset;
  Offset family;
  std::uint64_t first_cell;
  std::uint32_t cell_count;
  std::vector<std::string_view> strings;  // label values; of an info names and values in turn
  bool removed;
};

// The family or series at an offset; none, and a sentence in *fault unless that is null, if the bytes there
// can't be one.
std::optional<FamilyView> family_at(const Window& window, Offset offset, std::string* fault);
std::optional<SeriesView> series_at(const Window& window, Offset offset, std::string* fault);

// Everything that is linked, in the order of offsets, which is roughly that of registration, out of two copies
// that reach from the index to the end of what was used. `links` was taken first, and chains are followed in it;
// `records` was begun when that was complete, and descriptions are read from it: what was linked in the first
// copy was filled before the second one, while a single copy may hold a link and, from a moment earlier, the
// record's bytes half written. Both may be the same if nobody writes.
//
// Records that can't be right are left out, and with them, if a chain leads outside or in a circle, the rest of
// their chain; each such fault is a sentence in *faults. A link beyond the copy is no fault: it came later.
struct Contents {
  std::vector<FamilyView> families;
  std::vector<SeriesView> series;  // each one's family is among `families`
  std::uint64_t linked_bytes = 0;
};
Contents contents(const Window& links, const Window& records, const Geometry& geometry,
                  std::vector<std::string>* faults);

// The registrant's side, over the mapped segment. Any thread of any process may call these at any time.
class Directory {
 public:
  explicit Directory(const Segment& segment) noexcept;

  // The offset of the family of that definition. Throws Error: METRICS_CONFLICT with both definitions,
  // METRICS_FULL, METRICS_INCOMPATIBLE if the chain is damaged.
  Offset family(const Definition& definition) const;

  struct Found {
    Offset offset;
    std::uint64_t first_cell;
    const layout::Cell* removed;  // not 0 once anybody has removed the series
  };
  // The series of that family, by its definition, with these strings, registered if new. `hash` is
  // strings_hash(). Throws Error: METRICS_FULL, METRICS_INCOMPATIBLE.
  Found series(Offset family, const Definition& definition, std::span<const std::string> strings,
               std::uint64_t hash) const;

  // Marks the series removed; nothing if there is none.
  void remove(Offset family, std::span<const std::string> strings, std::uint64_t hash) const;
  void remove_all(Offset family) const;

 private:
  bool fits(std::uint64_t used, std::uint64_t bytes) const noexcept;
  [[noreturn]] void refuse_full() const;
  [[noreturn]] void refuse_damaged() const;
  void expect_room(std::uint64_t bytes) const;
  Offset reserve(std::uint64_t bytes) const;
  std::uint64_t reserve_cells(std::uint32_t count) const;
  layout::Link& chain(std::uint64_t hash) const noexcept;
  template <class Visit>
  layout::Link* walk(layout::Link* link, Visit visit) const;
  template <class Same, class Make>
  Offset find_or_link(std::uint64_t hash, layout::Kind kind, Same same, Make make) const;

  const Segment& segment_;
  Window window_;
};

// The hash by which label values are looked up, in the process and in the directory.
template <class Strings>
std::uint64_t strings_hash(const Strings& strings) noexcept {
  std::uint64_t hash = kHashSeed;
  for (const auto& s : strings) hash = hash_string(s, hash);
  return hash;
}

}  // namespace metrics::core
