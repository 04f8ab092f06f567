// records.h -- reads and writes the records of a segment's directory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/format/definition.h"
#include "libmetrics/format/hash.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/format/types.h"

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

// Strings that stand one after the other, each behind its size, as records keep them. Never leads
// out of the bytes that strings_in() has got, even if these change meanwhile.
class Strings {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = std::string_view;
    Iterator() noexcept = default;
    std::string_view operator*() const noexcept { return string_; }
    Iterator& operator++() noexcept {
      rest_ = rest_.subspan(string_.size());
      --left_;
      read();
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept {
      return a.left_ == b.left_;
    }

   private:
    friend class Strings;
    Iterator(std::span<const std::byte> rest, std::uint32_t left) noexcept
        : rest_(rest), left_(left) {
      read();
    }
    void read() noexcept {
      string_ = {};
      std::uint32_t size = 0;
      if (left_ == 0 || rest_.size() < sizeof size) return;
      std::memcpy(&size, rest_.data(), sizeof size);
      __asm__("" : "+r"(size));  // is read once: what is checked is what is used
      rest_ = rest_.subspan(sizeof size);
      string_ = {reinterpret_cast<const char*>(rest_.data()),
                 std::min<std::size_t>(size, rest_.size())};
    }
    std::span<const std::byte> rest_;  // from the string on
    std::string_view string_;
    std::uint32_t left_ = 0;
  };
  using value_type = std::string_view;
  using iterator = Iterator;
  using const_iterator = Iterator;

  Strings() noexcept = default;
  std::size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  // Returns the size of all strings as they were looked at, even if the bytes have changed since.
  std::uint64_t text_bytes() const noexcept { return bytes_ - count_ * sizeof(std::uint32_t); }
  Iterator begin() const noexcept { return {{at_, bytes_}, count_}; }
  Iterator end() const noexcept { return {}; }
  std::string_view operator[](std::size_t index) const noexcept {
    return *std::next(begin(), static_cast<std::ptrdiff_t>(index));
  }
  std::string_view front() const noexcept { return *begin(); }
  friend bool operator==(const Strings& a, const Strings& b) noexcept {
    return a.count_ == b.count_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  friend std::optional<Strings> strings_in(std::span<const std::byte> bytes,
                                           std::uint32_t count) noexcept;
  Strings(std::span<const std::byte> bytes, std::uint32_t count) noexcept
      : at_(bytes.data()), bytes_(static_cast<std::uint32_t>(bytes.size())), count_(count) {}
  const std::byte* at_ = nullptr;
  std::uint32_t bytes_ = 0, count_ = 0;
};
// Returns that many strings, which stand at the beginning of the bytes; an empty optional if they
// reach beyond them, or are more than a record may have.
std::optional<Strings> strings_in(std::span<const std::byte> bytes, std::uint32_t count) noexcept;

// Views into a window, valid as long as its bytes.
struct FamilyView {
  Offset offset;
  Type type;
  Mode mode;
  std::uint64_t opened;    // see FamilyRecord
  std::uint64_t refusals;  // likewise
  std::uint32_t max_series;
  std::uint64_t series_used;
  Offset overflow;           // 0: there is none
  std::uint32_t registrant;  // likewise
  std::uint16_t places;
  std::string_view name, help, unit;
  std::vector<std::string_view> labels;
  std::span<const double> bounds;
  std::optional<Native> native;
  std::uint32_t cells;                   // of each of its series
  std::vector<std::string_view> states;  // of a state set
};
struct SeriesView {
  Offset offset;
  Offset family;
  std::uint64_t first_cell;
  std::uint64_t first_place;
  std::uint32_t cell_count;
  std::uint32_t places;  // all inside of the record's room for cells
  std::uint64_t created_ns;
  Strings strings;      // label values; for an info names and values in turn
  std::uint64_t state;  // Record::state
  bool is_live() const noexcept { return state_of(state) == State::kLive; }
  // Returns the end of its cells, with its places.
  std::uint64_t end_cell() const noexcept;
};

// Returns the family or series at an offset. Empty, with a sentence in *fault unless that is null,
// if the bytes there can't be one. Empty, without a fault, for a family of a type or mode that only
// a later version of this library knows.
std::optional<FamilyView> family_at(const Window& window, Offset offset, std::string* fault);
std::optional<SeriesView> series_at(const Window& window, Offset offset, std::string* fault);
// Returns the name in the family's record at an offset; empty if the bytes there can't be one.
// May be called in a signal handler.
std::string_view name_at(const Window& window, Offset family) noexcept;

// Beyond its limit, a family of sums counts in one series, whose label values are all this one. It
// is there as soon as the family is, does not count against the limit, and is never removed.
inline constexpr std::string_view kOverflowValue = "__overflow__";
// Returns true if a family of that type, with that many labels and that limit, has such a series.
// Gauges have none: a sum of gauges that belong to different label values would be a lie.
constexpr bool has_overflow(Type type, std::size_t labels, std::uint32_t max_series) noexcept {
  return max_series != 0 && labels != 0 && !is_of_processes(type);
}
// Returns true if these are the overflow series' label values, in a family that has one.
template <class Strings>
bool is_overflow(const Strings& strings) noexcept {
  return std::all_of(strings.begin(), strings.end(),
                     [](std::string_view s) { return s == kOverflowValue; });
}

// Returns how many bytes the record of that family takes.
std::uint64_t family_bytes(const Definition& definition) noexcept;
// Writes that record to `at`, where the caller has reserved as many bytes, all zero. `hash` is the
// hash of its identity; `opened` is FamilyRecord::opened; `registrant` is the pid of the process.
void write_family(std::byte* at, const Definition& definition, std::uint64_t hash,
                  std::uint64_t opened, std::uint32_t registrant) noexcept;

// A series' record is reserved with room for its strings behind it, which may be handed on to
// another record; so it comes in a few sizes, powers of two.
inline constexpr std::uint32_t kLeastRoom = 16;
std::uint32_t room_for(std::span<const std::string> strings) noexcept;
// Begins the record of a series at that offset of the file, where sizeof(SeriesRecord) + room bytes
// are reserved, all zero: without cells.
void begin_series(std::byte* file, Offset offset, std::uint32_t room) noexcept;
// Returns how many cells a series takes, with its places.
std::uint32_t cells_with_places(std::uint32_t cell_count, std::uint32_t places) noexcept;
// Returns true if the record's places are behind its cells, and inside of the room for them.
bool has_places_in_room(const SeriesRecord& record) noexcept;
// What a record becomes that has cells and room enough.
struct SeriesContent {
  std::span<const std::string> strings;
  std::uint64_t hash;  // of its identity
  Offset family;
  std::uint32_t cell_count;
  std::uint32_t places;
  std::uint64_t born, holder;  // see SeriesRecord
  std::uint32_t registrant;    // the pid of the process
};
void fill_series(std::byte* file, Offset offset, const SeriesContent& content) noexcept;

// Returns the hash by which label values are looked up in the process.
template <class Strings>
std::uint64_t strings_hash(const Strings& strings, const HashKey& key) noexcept {
  std::uint64_t hash = key[1];
  for (const auto& s : strings) hash = hash_string(s, hash, key);
  return hash;
}
// Return the hashes of the records of a family with that stem, and of a series of that family whose
// label values have that hash.
inline std::uint64_t family_hash(std::string_view stem, const HashKey& key) noexcept {
  return hash_string(stem, key[1], key);
}
inline std::uint64_t series_hash(std::uint64_t strings, Offset family,
                                 const HashKey& key) noexcept {
  return hash_word(family, strings, key);
}

}  // namespace metrics::format
