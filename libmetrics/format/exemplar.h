// exemplar.h -- an exemplar in a segment: one observation, with labels that lead to where it was
// made, such as a trace's id.
//
//   Place
//   0       8       16      24                               160
//   +-------+-------+-------+---------------------------------+
//   | check | stamp | value | count | size | bytes | size ... |
//   +-------+-------+-------+---------------------------------+
//   A family that was given places has some in each of its series, behind the series' cells, and
//   so in each slot. What follows the value is text: a byte with the number of strings, and for
//   each string a byte with its size, and its bytes. Names and values of labels stand in turn; the
//   rest is 0.
//
// A writer stores the words one by one, in any order, and may be killed, or interrupted by a signal
// handler that writes to the same place, between any two. The check is the hash of all others, of
// the place, and of the series' life: so any mixture of words, and whatever a removed series or a
// copied page has left, is no exemplar. There is no lock that a killed writer could leave held, and
// no state that lasts: the next writer stores the next exemplar.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "libmetrics/format/hash.h"
#include "libmetrics/format/layout.h"

namespace metrics::format {

inline constexpr std::size_t kExemplarTextWords = 17;
struct Place {
  Cell check;
  Cell stamp;  // CLOCK_REALTIME in nanoseconds; 0: there is no exemplar
  Cell value;  // a double
  std::array<Cell, kExemplarTextWords> text;
};
static_assert(offsetof(Place, check) == 0 && offsetof(Place, stamp) == 8);
static_assert(offsetof(Place, value) == 16 && offsetof(Place, text) == 24);
static_assert(sizeof(Place) == 160);
inline constexpr std::uint32_t kPlaceCells = sizeof(Place) / sizeof(Cell);

// OpenMetrics admits 128 characters of names and values; here they are bytes, which is stricter for
// what is not ASCII.
inline constexpr std::size_t kMaxExemplarBytes = 128;
inline constexpr std::uint32_t kMaxPlaces = 32;    // of a series
inline constexpr std::uint32_t kNativePlaces = 8;  // the least that a native histogram has

// Returns how many places a series has, in a family that has places.
constexpr std::uint16_t place_count(Type type, std::uint32_t bound_count, bool native) noexcept {
  if (type == Type::kCounter) return 1;
  if (type != Type::kHistogram) return 0;
  const std::uint32_t buckets = std::min(bound_count + 1, kMaxPlaces);
  return static_cast<std::uint16_t>(native ? std::max(buckets, kNativePlaces) : buckets);
}
// Returns a number for the power of two below the value; neighbouring ones have neighbouring
// numbers.
inline std::uint32_t octave_of(double value) noexcept {
  return static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(value) >> 52);
}
// Returns which of its places a value's exemplar is stored in. Neighbouring buckets, or powers of
// two where a family is native, have different ones. A reader finds the bucket by the value alone,
// so the place proves nothing.
inline std::uint32_t place_of(double value, std::uint32_t bucket, std::uint32_t places,
                              bool native) noexcept {
  const std::uint32_t number = native ? octave_of(value) : bucket;
  if (number < places) return number;  // most have a place for each bucket: no division
  return places == 0 ? 0 : number % places;
}

// The words of an exemplar, in the order of a place.
struct ExemplarWords {
  std::uint64_t check;
  std::uint64_t stamp, value;
  std::array<std::uint64_t, kExemplarTextWords> text;
};
static_assert(sizeof(ExemplarWords) == sizeof(Place));

// What an exemplar belongs to, of which no other one's life, record or place is the same.
struct PlaceId {
  std::uint64_t record;  // the offset of the series' record
  std::uint64_t live;    // the record's state
  std::uint64_t cell;    // the first one of the place
};
// Returns what the check begins with.
inline std::uint64_t seed_of(const PlaceId& id, const HashKey& key) noexcept {
  const std::uint64_t record = hash_word(id.record, key[1], key);
  return hash_word(id.cell, hash_word(id.live, record, key), key);
}
// Returns what the first of the words must be.
inline std::uint64_t check_of(const ExemplarWords& words, std::uint64_t seed,
                              const HashKey& key) noexcept {
  constexpr std::size_t kFirst = offsetof(ExemplarWords, stamp);
  return hash_string({reinterpret_cast<const char*>(&words) + kFirst, sizeof words - kFirst}, seed,
                     key);
}
// Returns true if the words were stored as they are, as one exemplar of that place.
inline bool is_whole(const ExemplarWords& words, const PlaceId& id, const HashKey& key) noexcept {
  return words.stamp != 0 && words.check == check_of(words, seed_of(id, key), key);
}

// Writes names and values of labels to `words.text`. Returns false, with any text there, if they
// don't fit, a name is not one of a label or is there twice, or a value is not UTF-8; a NULL is
// none. Allocates nothing.
bool put_labels(const char* const* names, const char* const* values, std::size_t count,
                ExemplarWords& words) noexcept;
// Returns the names and values that the text holds; empty if put_labels() can't have written it.
// Valid as long as `words`.
using ExemplarLabels = std::vector<std::pair<std::string_view, std::string_view>>;
std::optional<ExemplarLabels> labels_in(const ExemplarWords& words);

}  // namespace metrics::format
