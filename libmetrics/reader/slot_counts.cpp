#include "libmetrics/reader/slot_counts.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "libmetrics/format/types.h"
#include "libmetrics/reader/mapping.h"

namespace metrics::reader {

void SlotCounts::plan(const Contents& contents) {
  std::unordered_map<format::Offset, format::Type> types;
  for (const format::FamilyView& f : contents.families) types.emplace(f.offset, f.type);
  cells_.clear();
  for (const format::SeriesView& s : contents.series) {
    if (!s.is_live()) continue;
    const format::Values values = format::values_of(types.at(s.family));
    const bool counts = values == format::Values::kCounts;
    if (!counts && values != format::Values::kWholeAndFraction) continue;
    cells_.push_back({s.first_cell, s.cell_count - 1, counts});
  }
  std::sort(cells_.begin(), cells_.end(),
            [](const Cells& a, const Cells& b) { return a.first < b.first; });
}

std::optional<SlotCount> SlotCounts::of(Reader& reader, format::SlotIndex slot) {
  if (planned_ != reader.catalogue()) {
    planned_ = reader.catalogue();
    plan(planned_->contents);
  }
  if (!reader.data_in(slot, stretches_)) return std::nullopt;
  SlotCount count;
  const bool read = read_guarded([&] {
    for (const Reader::Stretch& stretch : stretches_) {
      // The cells outside of stretches are 0, so those of a series that reaches into one are cut.
      auto series = std::lower_bound(
          cells_.begin(), cells_.end(), stretch.begin,
          [](const Cells& c, std::uint64_t cell) { return c.first + c.whole < cell; });
      for (; series != cells_.end() && series->first < stretch.end; ++series) {
        const std::uint64_t double_at = series->first + series->whole;
        std::uint64_t whole = 0;
        for (std::uint64_t cell = std::max(series->first, stretch.begin);
             cell < std::min(double_at, stretch.end); ++cell) {
          whole += stretch.cells[cell];
        }
        if (series->counts_observations) {
          count.observations += whole;
          continue;
        }
        count.counters += static_cast<double>(whole);
        if (double_at >= stretch.begin && double_at < stretch.end) {
          count.counters += std::bit_cast<double>(stretch.cells[double_at]);
        }
      }
    }
  });
  if (read) return count;
  reader.truncated();
  return std::nullopt;
}

}  // namespace metrics::reader
