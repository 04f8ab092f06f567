#include "libmetrics/reader/verify.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <tuple>
#include <unordered_map>

#include "libmetrics/format/gauge_value.h"
#include "libmetrics/reader/seeded.h"

namespace metrics::reader {
namespace {

using Faults = std::vector<std::string>;

struct Range {
  std::uint64_t begin, end;
  format::Offset owner;
};

// Reports ranges that share anything, or that do not end within the first `used`.
void check_ranges(std::vector<Range> ranges, std::uint64_t used, const std::string& what,
                  Faults& faults) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const Range& r = ranges[i];
    const std::string where = "record at " + std::to_string(r.owner);
    if (r.end > used) faults.push_back(where + " has " + what + " beyond those in use");
    if (i > 0 && ranges[i - 1].end > r.begin) {
      faults.push_back(where + " shares " + what + " with the record at " +
                       std::to_string(ranges[i - 1].owner));
    }
  }
}

void check_directory(const Reader& reader, Faults& faults) {
  const Catalogue& catalogue = *reader.catalogue();
  faults.insert(faults.end(), catalogue.faults.begin(), catalogue.faults.end());
  const format::Geometry& g = reader.geometry();
  const auto* copy = reinterpret_cast<const std::byte*>(catalogue.records.data());
  const format::Window window(copy, g.index,
                              g.index + catalogue.records.size() * sizeof(std::uint64_t));
  std::vector<Range> records, cells, rooms;
  const auto add_record = [&](format::Offset offset) {
    const auto* record = window.at<format::Record>(offset);
    records.push_back({offset, offset + record->bytes, offset});
  };
  for (const format::FamilyView& f : catalogue.contents.families) add_record(f.offset);
  for (const format::SeriesView& s : catalogue.contents.series) {
    add_record(s.offset);
    const auto* record = window.at<format::SeriesRecord>(s.offset);
    rooms.push_back({record->strings, record->strings + record->room, s.offset});
    if (s.cell_count > 0) cells.push_back({s.first_cell, s.first_cell + s.cell_count, s.offset});
  }
  check_ranges(std::move(records), g.directory + reader.usage().directory_used, "bytes", faults);
  check_ranges(std::move(rooms), g.directory + reader.usage().directory_used, "strings", faults);
  // Cells may have been reserved after the header was copied, so the bound is the capacity.
  check_ranges(std::move(cells), g.cells, "cells", faults);
}

void check_heads(Reader& reader, Faults& faults) {
  const format::Geometry& g = reader.geometry();
  const Usage& usage = reader.usage();
  // A table that the file does not hold is one of zeros.
  const bool holds_all = g.head_offset(g.slot_count()) - g.heads <= usage.space_taken;
  const auto heads = reader.heads(holds_all ? g.slot_count() - 1 : reader.used_slots().back());
  for (const HeadCopy& head : heads) {
    const std::string where = "head of slot " + std::to_string(head.slot);
    const bool is_first = head.slot >= 1 && head.slot <= g.first_slots;
    if (is_first && head.generation > format::kMaxGeneration) {
      faults.push_back(where + " has generation " + std::to_string(head.generation) +
                       ", out of range");
    }
    if (!is_first && head.slot > 0 && head.owner.word() != 0) {
      const format::Owner owner = head.owner;
      if (owner.slot < 1 || owner.slot > g.first_slots || owner.generation < 1 ||
          owner.generation > format::kMaxGeneration) {
        faults.push_back(where + " names an owner that can't be: slot " +
                         std::to_string(owner.slot) + ", generation " +
                         std::to_string(owner.generation));
      }
    }
    if (head.slot == 0 && (head.owner.word() != 0 || head.generation != 0)) {
      faults.push_back(where + " names an owner, but it is everybody's");
    }
  }
  const std::vector<format::Ownership> owners = reader.owners();
  for (format::SlotIndex slot = 1; slot <= usage.first_slots_used; ++slot) {
    if (owners[slot].state == format::Ownership::State::kUnknown) {
      faults.push_back("lock of slot " + std::to_string(slot) + " is not one that a worker takes");
    }
  }
}

bool is_count_of_doubles(double v) { return !std::isnan(v) && v >= 0; }

// The cells of one slot: those that no process has written are 0.
class SlotCells {
 public:
  explicit SlotCells(const std::vector<Reader::Stretch>& stretches) : stretches_(stretches) {}
  // Must be called with ascending cells.
  std::uint64_t at(std::uint64_t cell) {
    while (now_ < stretches_.size() && stretches_[now_].end <= cell) ++now_;
    const bool is_data = now_ < stretches_.size() && stretches_[now_].begin <= cell;
    return is_data ? stretches_[now_].cells[cell] : 0;
  }

 private:
  const std::vector<Reader::Stretch>& stretches_;
  std::size_t now_ = 0;
};

struct Checked {
  const format::SeriesView* series;
  const format::FamilyView* family;
  std::uint64_t end_cell() const { return series->first_cell + series->cell_count; }
};

void check_value(const Checked& checked, format::SlotIndex slot, bool holds_gauges,
                 SlotCells& cells, Faults& faults) {
  const format::SeriesView& s = *checked.series;
  const format::FamilyView& f = *checked.family;
  const auto fault = [&](const std::string& what) {
    faults.push_back("series at " + std::to_string(s.offset) + " of \"" + std::string(f.name) +
                     "\" in slot " + std::to_string(slot) + ' ' + what);
  };
  if (format::values_of(f.type) == format::Values::kWholeAndFraction &&
      !is_count_of_doubles(
          std::bit_cast<double>(cells.at(s.first_cell + format::kCounterFraction)))) {
    fault("counts a negative fraction, or NaN");
  }
  if (!format::is_of_processes(f.type)) return;
  const std::uint64_t generation = cells.at(s.first_cell + format::kGaugeGeneration);
  if (!holds_gauges && format::decode_gauge(cells.at(s.first_cell + format::kGaugeValue))) {
    fault("holds a gauge's value, outside of a process's slot");
  }
  if (generation > format::kMaxGeneration) fault("holds a generation out of range");
}

// Looks only at series with cells that a process has written: those of others are 0, and right.
void check_values(Reader& reader, Faults& faults) {
  const Contents& contents = reader.catalogue()->contents;
  std::unordered_map<format::Offset, const format::FamilyView*, Seeded> families;
  for (const format::FamilyView& f : contents.families) families.emplace(f.offset, &f);
  std::vector<Checked> by_cell;
  for (const format::SeriesView& s : contents.series) {
    if (s.is_live() && s.cell_count > 0) by_cell.push_back({&s, families.at(s.family)});
  }
  std::sort(by_cell.begin(), by_cell.end(), [](const Checked& a, const Checked& b) {
    return a.series->first_cell < b.series->first_cell;
  });
  std::vector<Reader::Stretch> stretches;
  for (const format::SlotIndex slot : reader.used_slots()) {
    if (!reader.copy_data_in(slot, stretches)) {
      faults.push_back(reader.why());
      return;
    }
    const bool holds_gauges = slot >= 1 && slot <= reader.geometry().first_slots;
    auto next = by_cell.begin();
    SlotCells cells(stretches);
    for (const Reader::Stretch& stretch : stretches) {
      next = std::lower_bound(
          next, by_cell.end(), stretch.begin,
          [](const Checked& c, std::uint64_t cell) { return c.end_cell() <= cell; });
      for (; next != by_cell.end() && next->series->first_cell < stretch.end; ++next) {
        check_value(*next, slot, holds_gauges, cells, faults);
      }
    }
  }
}

}  // namespace

std::vector<std::string> verify(Reader& reader) {
  Faults faults;
  if (!reader.look()) return {reader.why()};
  check_directory(reader, faults);
  check_heads(reader, faults);
  check_values(reader, faults);
  return faults;
}

}  // namespace metrics::reader
