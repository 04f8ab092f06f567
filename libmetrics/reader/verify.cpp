#include "libmetrics/reader/verify.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "libmetrics/format/gauge_value.h"
#include "libmetrics/reader/faults.h"
#include "libmetrics/reader/seeded.h"

namespace metrics::reader {
namespace {

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
    if (r.end > used) add_fault(faults, where + " has " + what + " beyond those in use");
    if (i > 0 && ranges[i - 1].end > r.begin) {
      add_fault(faults, where + " shares " + what + " with the record at " +
                            std::to_string(ranges[i - 1].owner));
    }
  }
}

void check_directory(const Reader& reader, Faults& faults) {
  const Catalogue& catalogue = *reader.catalogue();
  for (const std::string& fault : catalogue.faults) add_fault(faults, fault);
  const format::Geometry& g = reader.geometry();
  const format::Window window = window_of(catalogue.records, g.index);
  std::vector<Range> records, cells, rooms;
  const auto add_record = [&](format::Offset offset) {
    const auto* record = window.at<format::Record>(offset);
    records.push_back({offset, offset + record->bytes, offset});
  };
  for (const format::FamilyView& f : catalogue.contents.families) add_record(f.offset);
  // Only live series have strings and cells to themselves; those of others go from hand to hand.
  for (const format::Offset offset : catalogue.contents.idle) add_record(offset);
  for (const format::SeriesView& s : catalogue.contents.series) {
    if (!s.is_live()) continue;
    add_record(s.offset);
    const auto* record = window.at<format::SeriesRecord>(s.offset);
    if (record->room > 0) {
      rooms.push_back({record->strings, record->strings + record->room, s.offset});
    }
    cells.push_back({s.first_cell, s.first_cell + record->cells_room, s.offset});
  }
  check_ranges(std::move(records), g.directory + reader.usage().directory_used, "bytes", faults);
  check_ranges(std::move(rooms), g.directory + reader.usage().directory_used, "strings", faults);
  // Cells may have been reserved after the header was copied, so the bound is the capacity.
  check_ranges(std::move(cells), g.cells, "cells", faults);
}

void check_head(const HeadCopy& head, const format::Geometry& g, Faults& faults) {
  const std::string where = "head of slot " + std::to_string(head.slot);
  const bool is_first = head.slot >= 1 && head.slot <= g.first_slots;
  if (is_first && head.generation > format::kMaxGeneration) {
    add_fault(faults,
              where + " has generation " + std::to_string(head.generation) + ", out of range");
  }
  if (!is_first && head.slot > 0 && head.owner.word() != 0) {
    const format::Owner owner = head.owner;
    if (owner.slot < 1 || owner.slot > g.first_slots || owner.generation < 1 ||
        owner.generation > format::kMaxGeneration) {
      add_fault(faults, where + " names an owner that can't be: slot " +
                            std::to_string(owner.slot) + ", generation " +
                            std::to_string(owner.generation));
    }
  }
  if (head.slot == 0 && (head.owner.word() != 0 || head.generation != 0)) {
    add_fault(faults, where + " names an owner, but it is everybody's");
  }
}

// Copies a page of heads at a time, and none of those in holes: they are zeros, which is what a
// slot that was never used has.
void check_heads(Reader& reader, Faults& faults) {
  const format::Geometry& g = reader.geometry();
  const std::uint64_t end = g.head_offset(g.slot_count());
  for (std::uint64_t at = g.heads; !is_full(faults);) {
    const auto written = reader.written_from(at);
    if (!written || *written >= end) return;
    const std::uint64_t page_end =
        std::min(*written / format::kPage * format::kPage + format::kPage, end);
    const auto first = static_cast<format::SlotIndex>((*written - g.heads) / g.head_bytes);
    const auto last = static_cast<format::SlotIndex>((page_end - 1 - g.heads) / g.head_bytes);
    const std::vector<HeadCopy> heads = reader.heads(first, last);
    if (heads.empty()) return add_fault(faults, reader.why());
    for (const HeadCopy& head : heads) check_head(head, g, faults);
    at = g.head_offset(last + 1);
  }
}

void check_locks(const Reader& reader, Faults& faults) {
  const std::vector<format::Ownership> owners = reader.owners();
  for (format::SlotIndex slot = 1; slot <= reader.usage().first_slots_used; ++slot) {
    if (owners[slot].state == format::Ownership::State::kUnknown) {
      add_fault(faults, "lock of slot " + std::to_string(slot) + " is not one that a worker takes");
    }
  }
}

// A cell whose value can be wrong, and what it holds. A 0 is right in each of them.
struct Checked {
  enum class Holds { kFraction, kGauge, kState, kGeneration };
  std::uint64_t cell;
  Holds holds;
  std::size_t series;  // index into the catalogue's
  const format::FamilyView* family;
};

// Returns those of all series, in ascending order. No two series share a cell: contents() leaves
// one of them out.
std::vector<Checked> checked_cells(const Contents& contents) {
  using Holds = Checked::Holds;
  std::unordered_map<format::Offset, const format::FamilyView*, Seeded> families;
  for (const format::FamilyView& f : contents.families) families.emplace(f.offset, &f);
  std::vector<Checked> cells;
  for (std::size_t i = 0; i < contents.series.size(); ++i) {
    const format::SeriesView& s = contents.series[i];
    if (!s.is_live()) continue;
    const format::FamilyView* f = families.at(s.family);
    if (format::values_of(f->type) == format::Values::kWholeAndFraction) {
      cells.push_back({s.first_cell + format::kCounterFraction, Holds::kFraction, i, f});
    } else if (format::is_of_processes(f->type)) {
      const Holds value = f->type == format::Type::kStateSet ? Holds::kState : Holds::kGauge;
      cells.push_back({s.first_cell + format::kGaugeValue, value, i, f});
      cells.push_back({s.first_cell + format::kGaugeGeneration, Holds::kGeneration, i, f});
    }
  }
  std::sort(cells.begin(), cells.end(),
            [](const Checked& a, const Checked& b) { return a.cell < b.cell; });
  return cells;
}

// Returns what is wrong with that value of the cell; empty if nothing is.
std::string_view fault_of(const Checked& cell, std::uint64_t value, bool holds_gauges) {
  switch (cell.holds) {
    case Checked::Holds::kFraction: {
      const auto fraction = std::bit_cast<double>(value);
      const bool counts = !std::isnan(fraction) && fraction >= 0;
      return counts ? "" : "counts a negative fraction, or NaN";
    }
    case Checked::Holds::kGauge:
      if (holds_gauges || !format::decode_gauge(value)) return "";
      return "holds a gauge's value, outside of a process's slot";
    case Checked::Holds::kState: {
      const auto index = format::decode_gauge(value);
      if (!index) return "";
      if (!holds_gauges) return "holds a state, outside of a process's slot";
      return format::state_of_value(*index, cell.family->states.size())
                 ? ""
                 : "holds a state that its family does not have";
    }
    case Checked::Holds::kGeneration:
      break;
  }
  return format::GaugeWord::of(value).generation > format::kMaxGeneration
             ? "holds a generation out of range"
             : "";
}

// A fault of a value, and the series whose value it is, unless that is gone: see
// Reader::find_gone().
struct ValueFault {
  std::size_t series;  // index into the catalogue's
  std::string text;
};

// Reads a slot piece by piece, and of the pieces only those that may have been written and have a
// cell to check, as long as there are not too many faults. Returns false if the slot can't be read
// any more.
bool check_slot(Reader& reader, format::SlotIndex slot, std::span<const Checked> checked,
                std::vector<ValueFault>& faults) {
  constexpr std::uint64_t kPiece = 8192;  // cells
  std::vector<Reader::Stretch> stretches;
  std::vector<std::uint64_t> cells;
  const bool holds_gauges = slot >= 1 && slot <= reader.geometry().first_slots;
  const auto& series = reader.catalogue()->contents.series;
  reader.find_data(slot, stretches);
  auto next = checked.begin();
  const auto is_before = [](const Checked& c, std::uint64_t cell) { return c.cell < cell; };
  for (const Reader::Stretch& stretch : stretches) {
    next = std::lower_bound(next, checked.end(), stretch.begin, is_before);
    while (next != checked.end() && next->cell < stretch.end && faults.size() <= kMostFaults) {
      const std::uint64_t first = next->cell;
      cells.resize(std::min(kPiece, stretch.end - first));
      if (!reader.copy_cells(slot, first, cells)) return false;
      for (; next != checked.end() && next->cell < first + cells.size(); ++next) {
        const std::string_view fault = fault_of(*next, cells[next->cell - first], holds_gauges);
        if (fault.empty()) continue;
        if (faults.size() > kMostFaults) break;
        faults.push_back({next->series, "series at " + std::to_string(series[next->series].offset) +
                                            " of \"" + std::string(next->family->name) +
                                            "\" in slot " + std::to_string(slot) + ' ' +
                                            std::string(fault)});
      }
    }
  }
  return true;
}

// Goes from one slot that may have been written to the next: a forged header can name millions.
void check_values(Reader& reader, Faults& faults, const Progress& progress) {
  const format::Geometry& g = reader.geometry();
  const Usage& usage = reader.usage();
  const std::vector<Checked> checked = checked_cells(reader.catalogue()->contents);
  const auto is_used = [&](format::SlotIndex slot) {
    return slot > g.first_slots ? slot - g.first_slots <= usage.lanes_used
                                : slot <= usage.first_slots_used;
  };
  std::vector<ValueFault> found;
  for (std::uint64_t at = g.slots; found.size() <= kMostFaults;) {
    const auto written = reader.written_from(at);
    if (!written || *written >= g.file_bytes) break;
    const auto slot = static_cast<format::SlotIndex>((*written - g.slots) / g.slot_bytes);
    if (progress) progress(slot, g.slot_count());
    if (is_used(slot) && !check_slot(reader, slot, checked, found)) {
      return add_fault(faults, reader.why());
    }
    at = g.slot_offset(slot + 1);
  }
  std::vector<bool> gone;
  if (!reader.find_gone(gone)) return add_fault(faults, reader.why());
  for (ValueFault& f : found) {
    if (gone.empty() || !gone[f.series]) add_fault(faults, std::move(f.text));
  }
}

}  // namespace

std::vector<std::string> verify(Reader& reader, const Progress& progress) {
  Faults faults;
  if (!reader.look()) return {reader.why()};
  check_directory(reader, faults);
  check_heads(reader, faults);
  check_locks(reader, faults);
  check_values(reader, faults, progress);
  return faults;
}

}  // namespace metrics::reader
