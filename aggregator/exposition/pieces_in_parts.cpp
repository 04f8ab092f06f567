// pieces_in_parts.cpp -- prints in several threads, the same bytes as in one.
#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "aggregator/exposition/pieces.h"

namespace metrics::exposition {
namespace {

// What is printed at once: a run's head, if it is the first of it, and the lines of a chunk, if it
// has any.
struct Unit {
  const Run* run;
  std::size_t chunk;
  std::size_t head;                  // its size
  std::size_t numbers_before;        // in all units
  std::size_t begin = 0, lines = 0;  // where it stands, and the size of its lines

  bool has_lines() const noexcept { return chunk < run->texts.size(); }
};

std::vector<Unit> units_of(const std::vector<Run>& runs) {
  std::vector<Unit> units;
  std::size_t numbers = 0;
  for (const Run& run : runs) {
    units.push_back({&run, 0, run.head.size(), numbers});
    for (std::size_t chunk = 1; chunk < run.texts.size(); ++chunk) {
      numbers += run.numbers_of_chunk(chunk - 1);
      units.push_back({&run, chunk, 0, numbers});
    }
    if (!run.texts.empty()) numbers += run.numbers_of_chunk(run.texts.size() - 1);
  }
  return units;
}

// Prints units, one after the other, which end there: nothing is written behind that.
void print_units(std::span<const Unit> units, std::size_t end, const reader::Families& families,
                 std::string& out) {
  std::string last;  // where lines are printed behind which there is too little room
  for (const Unit& unit : units) {
    char* to = std::copy_n(unit.run->head.data(), unit.head, out.data() + unit.begin);
    if (!unit.has_lines()) continue;
    const std::size_t unit_end = unit.begin + unit.head + unit.lines;
    if (unit_end + PaddedText::kPadding <= end) {
      unit.run->write(unit.chunk, families, to);
    } else {
      last.resize(unit.run->most(unit.chunk, families));
      unit.run->write(unit.chunk, families, last.data());
      std::copy_n(last.data(), unit.lines, to);
    }
  }
}

}  // namespace

// Finds out first where everything stands, so that each thread writes to its place.
void Pieces::encode_in_parts(std::size_t parts, std::size_t begin, const reader::Families& families,
                             std::string& out) const {
  std::vector<Unit> units = units_of(runs_);
  const auto begin_of = [&](std::size_t part) {
    if (part == parts) return units.end();
    return std::ranges::lower_bound(units, number_count_ * part / parts, {}, &Unit::numbers_before);
  };
  const auto of_part = [&](std::size_t part) {
    return std::span(begin_of(part), begin_of(part + 1));
  };
  reader::in_parts(parts, [&](std::size_t part) {
    for (Unit& unit : of_part(part)) {
      if (unit.has_lines()) unit.lines = unit.run->size(unit.chunk, families);
    }
  });
  std::size_t end = begin;
  for (Unit& unit : units) {
    unit.begin = end;
    end += unit.head + unit.lines;
  }
  out.resize(end + spelling_.end.size());
  std::ranges::copy(spelling_.end, out.begin() + static_cast<std::ptrdiff_t>(end));
  reader::in_parts(parts, [&](std::size_t part) {
    const auto next = begin_of(part + 1);
    print_units(of_part(part), next == units.end() ? end : next->begin, families, out);
  });
}

}  // namespace metrics::exposition
