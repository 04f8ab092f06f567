#include "libmetrics/reader/merge.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "libmetrics/reader/add.h"
#include "libmetrics/reader/mapping.h"

namespace metrics::reader {

SegmentMerge::SegmentMerge(std::string file, Access access) : reader_(std::move(file), access) {}

bool SegmentMerge::read() {
  if (reader_.look()) return read_slots(reader_.used_slots());
  forget();
  return false;
}

bool SegmentMerge::read_slot(format::SlotIndex slot) {
  if (reader_.look()) return read_slots({&slot, 1});
  forget();
  return false;
}

void SegmentMerge::forget() {
  planned_.reset();
  if (families_.shape != 0 && families_.families.empty()) return;
  families_ = Families{};
  families_.shape = new_shape();
}

bool SegmentMerge::read_slots(std::span<const format::SlotIndex> slots) {
  plan();
  if (add_slots(slots) && gauges_.merge(reader_)) {
    if (gauges_.changed() || families_.shape == 0) rebuild();
    const auto& samples = gauges_.samples();
    for (std::size_t i = 0; i < samples.size(); ++i) {
      families_.values[sum_values_ + i] = std::bit_cast<std::uint64_t>(samples[i].value);
    }
    return true;
  }
  forget();
  return false;
}

// Plans which cells are added to which values. Replanned only when the directory has changed.
void SegmentMerge::plan() {
  const auto catalogue = reader_.catalogue();
  if (planned_ == catalogue) return;
  planned_ = catalogue;
  sums_.clear();
  gauges_.forget();
  sum_values_ = 0;
  std::unordered_map<format::Offset, const format::FamilyView*> families;
  for (const auto& f : catalogue->contents.families) families.emplace(f.offset, &f);
  const auto& series = catalogue->contents.series;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (series[i].removed) continue;
    const format::FamilyView& f = *families.at(series[i].family);
    if (format::values_of(f.type) == format::Values::kGauge) {
      gauges_.add(i, series[i].first_cell, f.mode);
    } else if (series[i].cell_count > 0) {
      sums_.push_back({series[i].first_cell, sum_values_, series[i].cell_count - 1});
      sum_values_ += series[i].cell_count;
    }
  }
  by_cell_ = sums_;
  std::sort(by_cell_.begin(), by_cell_.end(),
            [](const Sum& a, const Sum& b) { return a.first_cell < b.first_cell; });
  families_.shape = 0;  // so that read_slots() rebuilds them
}

bool SegmentMerge::add_slots(std::span<const format::SlotIndex> slots) {
  auto& values = families_.values;
  values.resize(std::max(values.size(), sum_values_));
  std::fill_n(values.begin(), sum_values_, 0);
  gauges_.begin();
  if (reader_.is_mapped()) return add_mapped(slots);
  const auto add = add_quickly<Sum>();
  for (const format::SlotIndex slot : slots) {
    std::span<const std::uint64_t> cells;
    if (!reader_.read_cells(slot, cells)) return false;
    const std::uint64_t* const at = cells.data();
    add(by_cell_.data(), by_cell_.data() + by_cell_.size(), values.data(), &at, 1);
    gauges_.hold_copied(reader_, slot, at);
  }
  return true;
}

// Adds mapped slots without a copy, and without touching pages that no process has written: that
// would take memory. A series that reaches into such a hole is copied instead, since a hole does
// not prove that nothing was written to the series: where the kernel can't populate what is
// reserved (MADV_POPULATE_WRITE, Linux 5.14), the page with a counter's fraction may be a hole
// forever.
bool SegmentMerge::add_mapped(std::span<const format::SlotIndex> slots) {
  pieces_.clear();
  straddling_.clear();
  for (const format::SlotIndex slot : slots) {
    const std::uint64_t* cells = reader_.mapped_cells(slot);
    stretches_.clear();
    reader_.data_in(slot, stretches_);
    const auto piece = [&](const std::uint64_t* where, auto begin, auto end) {
      pieces_.push_back({where, static_cast<std::size_t>(begin - by_cell_.begin()),
                         static_cast<std::size_t>(end - by_cell_.begin())});
    };
    const auto copied = [&](auto sum) {
      const std::size_t at = straddling_.size();
      straddling_.resize(at + sum->whole + 1);
      piece(nullptr, sum, sum + 1);
      return reader_.copy_cells(slot, sum->first_cell, std::span(straddling_).subspan(at));
    };
    auto sum = by_cell_.begin();
    for (const auto& stretch : stretches_) {
      sum = std::lower_bound(sum, by_cell_.end(), stretch.begin,
                             [](const Sum& s, std::uint64_t cell) { return s.end_cell() <= cell; });
      if (sum != by_cell_.end() && sum->first_cell < stretch.begin && !copied(sum++)) return false;
      const auto end =
          std::lower_bound(sum, by_cell_.end(), stretch.end,
                           [](const Sum& s, std::uint64_t cell) { return s.end_cell() <= cell; });
      if (sum != end) piece(cells, sum, end);
      sum = end;
      if (sum != by_cell_.end() && sum->first_cell < stretch.end && !copied(sum++)) return false;
    }
    if (!gauges_.hold_mapped(reader_, slot, stretches_)) return false;
  }
  std::uint64_t* copy = straddling_.data();
  for (Piece& p : pieces_) {
    if (p.cells != nullptr) continue;
    const Sum& sum = by_cell_[p.begin];
    p.cells = copy - sum.first_cell;
    copy += sum.whole + 1;
  }
  const auto add = add_quickly<Sum>();
  const bool read = read_guarded([&] {
    const Piece* piece = pieces_.data();
    const Piece* const end = piece + pieces_.size();
    std::uint64_t* const values = families_.values.data();
    while (piece != end) {
      const std::uint64_t* cells[kTogether];
      std::size_t count = 0;
      for (; count < kTogether && piece + count != end && piece[count].begin == piece->begin &&
             piece[count].end == piece->end;
           ++count) {
        cells[count] = piece[count].cells;
      }
      if (count < kTogether) count = 1;
      add(by_cell_.data() + piece->begin, by_cell_.data() + piece->end, values, cells, count);
      piece += count;
    }
  });
  return read || reader_.truncated();
}

void SegmentMerge::rebuild() {
  const Contents& contents = planned_->contents;
  const auto& samples = gauges_.samples();
  std::unordered_map<format::Offset, std::size_t> index;
  families_.families.clear();
  for (const auto& f : contents.families) {
    index.emplace(f.offset, families_.families.size());
    families_.families.push_back({std::string(f.name),
                                  std::string(f.help),
                                  std::string(f.unit),
                                  f.type,
                                  {f.bounds.begin(), f.bounds.end()},
                                  {}});
  }
  std::size_t next_sum = 0;
  std::size_t next_sample = 0;
  for (std::size_t i = 0; i < contents.series.size(); ++i) {
    const format::SeriesView& s = contents.series[i];
    if (s.removed) continue;
    const std::size_t at = index.at(s.family);
    Family& family = families_.families[at];
    const format::FamilyView& view = contents.families[at];
    std::vector<Label> labels;
    if (format::values_of(family.type) == format::Values::kNone) {
      for (std::size_t k = 0; k + 1 < s.strings.size(); k += 2) {
        labels.push_back({std::string(s.strings[k]), std::string(s.strings[k + 1])});
      }
    } else {
      for (std::size_t k = 0; k < s.strings.size(); ++k) {
        labels.push_back({std::string(view.labels[k]), std::string(s.strings[k])});
      }
    }
    if (format::values_of(family.type) == format::Values::kGauge) {
      for (; next_sample < samples.size() && samples[next_sample].series == i; ++next_sample) {
        std::vector<Label> all = labels;
        if (const std::string& pid = samples[next_sample].pid; !pid.empty()) {
          all.push_back({"pid", pid});
        }
        family.series.push_back({std::move(all), sum_values_ + next_sample});
      }
    } else {
      const std::size_t first = s.cell_count > 0 ? sums_[next_sum++].first_value : 0;
      family.series.push_back({std::move(labels), first});
    }
  }
  families_.values.resize(sum_values_ + samples.size());
  families_.shape = new_shape();
}

}  // namespace metrics::reader
