// shown.h -- which families and series a catalogue shows, and which records count in each.
//
// A family is all editions of its name (format/editions.h), in the shape of the one that was opened
// last. A series is all records whose labels are one, whatever edition they are of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "libmetrics/format/editions.h"
#include "libmetrics/reader/contents.h"
#include "libmetrics/reader/families.h"

namespace metrics::reader {

struct Shown {
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  struct Family {
    const format::FamilyView* last;  // its last edition
    std::size_t editions;
    bool reached_below_zero;               // one of them has a bound below zero
    std::optional<format::Native> native;  // see format::Group
    std::uint32_t cells;  // how many values a series has, unless it is of processes
    // Of a state set: the states of all its editions, the last one's first.
    std::vector<std::string_view> states;
    bool yields = false;  // see format::Group
    // Returns true if each of its series is one record, whose cells are added: so that series come
    // and go without a change to others.
    bool is_plain() const noexcept {
      return editions == 1 && !format::is_of_processes(last->type) && last->places == 0;
    }
  };
  struct Series {
    std::uint32_t family;       // index into families
    std::uint32_t first, last;  // records: indices into Contents::series; next[] leads between them
    bool is_gone() const noexcept { return first == kNone; }
  };
  std::vector<Family> families;  // those that are not hidden
  // In the order of their first records; those of plain families that were added later behind them,
  // and ones that are gone among them.
  std::vector<Series> series;
  std::vector<std::uint32_t> next;        // by record; kNone at the end
  std::vector<std::uint32_t> edition_of;  // by record: index into Contents::families
  std::vector<std::uint32_t> family_of;   // by edition: index into families; kNone: hidden
  // By edition: where its states stand among its family's; empty unless it is a shown state set.
  std::vector<std::vector<std::uint32_t>> state_places;
};

// Returns what these contents show. `groups` are the families' groups. Valid as long as the
// contents.
Shown shown(const Contents& contents, std::span<const format::Group> groups);

// Returns the labels of a record of that edition.
std::vector<Label> labels_of(const format::FamilyView& edition, const format::SeriesView& record);

}  // namespace metrics::reader
