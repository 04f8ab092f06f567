// records.h -- reads and writes the records of a segment's directory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/format/definition.h"
#include "libmetrics/format/hash.h"
#include "libmetrics/format/layout.h"

namespace metrics::format {

using Offset = std::uint64_t;  // from the start of the file; no record is at 0

// The bytes of a file from `first` to `last`, mapped or copied. Returns only what lies inside.
class Window {
 public:
  Window(const std::byte* bytes, Offset first, Offset last) noexcept
      : bytes_(bytes), first_(first), last_(last) {}

  // Returns the object at an offset; nullptr if it would not lie inside, or not at a multiple of
  // its alignment.
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

// Views into a window, valid as long as its bytes.
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
  std::vector<std::string_view> strings;  // label values; for an info names and values in turn
  bool removed;
};

// Returns the family or series at an offset. Empty, with a sentence in *fault unless that is null,
// if the bytes there can't be one.
std::optional<FamilyView> family_at(const Window& window, Offset offset, std::string* fault);
std::optional<SeriesView> series_at(const Window& window, Offset offset, std::string* fault);

// Returns how many bytes the record of that family takes.
std::uint64_t family_bytes(const Definition& definition) noexcept;
// Writes that record to `at`, where the caller has reserved as many bytes, all zero. `hash` is the
// hash of its identity.
void write_family(std::byte* at, const Definition& definition, std::uint64_t hash) noexcept;
// Do the same for a series with these strings.
std::uint64_t series_bytes(std::span<const std::string> strings) noexcept;
void write_series(std::byte* at, std::span<const std::string> strings, std::uint64_t hash,
                  Offset family, std::uint64_t first_cell, std::uint32_t cell_count) noexcept;

// Returns the hash by which label values are looked up, in the process and, mixed with the family's
// offset, in the directory.
template <class Strings>
std::uint64_t strings_hash(const Strings& strings) noexcept {
  std::uint64_t hash = kHashSeed;
  for (const auto& s : strings) hash = hash_string(s, hash);
  return hash;
}

}  // namespace metrics::format
