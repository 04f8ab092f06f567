#include "libmetrics/reader/verify_values.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmetrics/format/gauge_value.h"

namespace metrics::reader {
namespace {

// A cell whose value can be wrong, and what it holds. A 0 is right in each of them.
struct Checked {
  enum class Holds : std::uint8_t { kFraction, kGauge, kState, kGeneration };
  std::uint64_t cell;
  RecordNumber record;  // of the series
  Holds holds;
};
static_assert(sizeof(Checked) == 16, "there are two for each gauge of the segment");

// Returns those of all series, in ascending order. No two series share a cell: the directory has
// left one of them out.
std::vector<Checked> checked_cells(const VerifiedDirectory& directory) {
  using Holds = Checked::Holds;
  std::vector<Checked> cells;
  const auto each = [&](auto visit) {
    directory.each_series([&](format::Offset offset) {
      const auto* series = directory.records().at<format::SeriesRecord>(offset);
      const format::Type type = directory.family_of(*series).type;
      const auto add = [&](std::uint32_t cell, Holds holds) {
        visit(Checked{series->first_cell + cell, number_of(offset), holds});
      };
      if (format::values_of(type) == format::Values::kWholeAndFraction) {
        add(format::kCounterFraction, Holds::kFraction);
      } else if (format::is_of_processes(type)) {
        add(format::kGaugeValue, type == format::Type::kStateSet ? Holds::kState : Holds::kGauge);
        add(format::kGaugeGeneration, Holds::kGeneration);
      }
    });
  };
  std::size_t count = 0;
  each([&](const Checked&) { ++count; });
  cells.reserve(count);
  each([&](const Checked& checked) { cells.push_back(checked); });
  std::sort(cells.begin(), cells.end(),
            [](const Checked& a, const Checked& b) { return a.cell < b.cell; });
  return cells;
}

// Returns what is wrong with that value of the cell; empty if nothing is.
std::string_view fault_of(Checked::Holds holds, const format::FamilyView& family,
                          std::uint64_t value, bool holds_gauges) {
  switch (holds) {
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
      return format::state_of_value(*index, family.states.size())
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

class Values {
 public:
  Values(Reader& reader, const VerifiedDirectory& directory)
      : reader_(reader), directory_(directory), checked_(checked_cells(directory)) {}

  bool check_slots(const Progress& progress);
  bool add_faults(Faults& faults);

 private:
  // A fault of a value, and the series whose value it is.
  struct Found {
    format::Offset series;
    std::string text;
  };
  bool check_slot(format::SlotIndex slot);
  void check_cell(format::SlotIndex slot, const Checked& checked, std::uint64_t value);

  Reader& reader_;
  const VerifiedDirectory& directory_;
  const std::vector<Checked> checked_;
  std::vector<std::uint64_t> cells_;
  std::vector<Found> found_;
};

// Goes from one slot that may have been written to the next: a forged header can name millions.
bool Values::check_slots(const Progress& progress) {
  const format::Geometry& g = reader_.geometry();
  const Usage& usage = reader_.usage();
  for (std::uint64_t at = g.slots; found_.size() <= kMostFaults;) {
    const auto written = reader_.written_from(at);
    if (!written || *written >= g.file_bytes) break;
    const auto slot = static_cast<format::SlotIndex>((*written - g.slots) / g.slot_bytes);
    if (progress) progress(slot, g.slot_count());
    const bool is_used = slot > g.first_slots ? slot - g.first_slots <= usage.lanes_used
                                              : slot <= usage.first_slots_used;
    if (is_used && !check_slot(slot)) return false;
    at = g.slot_offset(slot + 1);
  }
  return true;
}

bool Values::check_slot(format::SlotIndex slot) {
  constexpr std::uint64_t kPiece = 8192;  // cells
  const format::Geometry& g = reader_.geometry();
  const std::uint64_t start = g.slot_offset(slot);
  const auto from = [&](auto next, std::uint64_t cell) {
    return std::lower_bound(next, checked_.end(), cell,
                            [](const Checked& c, std::uint64_t first) { return c.cell < first; });
  };
  for (auto next = checked_.begin(); next != checked_.end() && found_.size() <= kMostFaults;) {
    const auto written = reader_.written_from(start + next->cell * sizeof(std::uint64_t));
    if (!written) return true;
    next = from(next, (*written - start) / sizeof(std::uint64_t));
    if (next == checked_.end()) return true;
    const std::uint64_t first = next->cell;
    cells_.resize(std::min(kPiece, g.cells - first));
    if (!reader_.copy_cells(slot, first, cells_)) return false;
    for (; next != checked_.end() && next->cell - first < cells_.size(); ++next) {
      check_cell(slot, *next, cells_[next->cell - first]);
    }
  }
  return true;
}

void Values::check_cell(format::SlotIndex slot, const Checked& checked, std::uint64_t value) {
  if (value == 0 || found_.size() > kMostFaults) return;
  const format::Offset offset = offset_of(checked.record);
  const auto* series = directory_.records().at<format::SeriesRecord>(offset);
  const format::FamilyView& family = directory_.family_of(*series);
  const bool holds_gauges = slot >= 1 && slot <= reader_.geometry().first_slots;
  const std::string_view fault = fault_of(checked.holds, family, value, holds_gauges);
  if (fault.empty()) return;
  found_.push_back({offset, "series at " + std::to_string(offset) + " of \"" +
                                std::string(family.name) + "\" in slot " + std::to_string(slot) +
                                ' ' + std::string(fault)});
}

// Leaves out the faults of series that are not the same any more: what was read of their cells may
// be of any series. Their states must be read after the last cell was.
bool Values::add_faults(Faults& faults) {
  for (Found& found : found_) {
    std::uint64_t now = 0;
    const format::Offset state = found.series + offsetof(format::Record, state);
    if (!reader_.copy(state, sizeof now, &now)) return false;
    const auto* record = directory_.records().at<format::Record>(found.series);
    if (now == record->state.load(std::memory_order_relaxed)) {
      add_fault(faults, std::move(found.text));
    }
  }
  return true;
}

}  // namespace

void verify_values(Reader& reader, const VerifiedDirectory& directory, Faults& faults,
                   const Progress& progress) {
  Values values(reader, directory);
  if (!values.check_slots(progress) || !values.add_faults(faults)) add_fault(faults, reader.why());
}

}  // namespace metrics::reader
