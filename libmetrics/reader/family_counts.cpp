#include "libmetrics/reader/family_counts.h"

#include <algorithm>
#include <bit>
#include <span>
#include <unordered_map>
#include <utility>

#include "libmetrics/format/types.h"
#include "libmetrics/reader/seeded.h"

namespace metrics::reader {
namespace {

double counted(format::Values values, std::span<const std::uint64_t> cells) {
  double sum = 0;
  switch (values) {
    case format::Values::kWholeAndFraction:
      return static_cast<double>(cells[0]) + std::bit_cast<double>(cells[1]);
    case format::Values::kCounts:  // the last cell is the sum of what was observed
      for (const std::uint64_t count : cells.first(cells.size() - 1)) {
        sum += static_cast<double>(count);
      }
      return sum;
    case format::Values::kGauge:
    case format::Values::kState:
    case format::Values::kInfo:
      break;
  }
  return 0;
}

std::uint64_t mixed(std::uint64_t fingerprint, std::uint64_t word) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  return std::rotl(fingerprint ^ word, 29) * kPrime;
}

}  // namespace

void FamilyCounter::plan(const Contents& contents) {
  std::unordered_map<format::Offset, std::uint32_t, Seeded> families;
  for (std::size_t i = 0; i < contents.families.size(); ++i) {
    families.emplace(contents.families[i].offset, static_cast<std::uint32_t>(i));
  }
  runs_.clear();
  for (const format::SeriesView& s : contents.series) {
    if (!s.is_live()) continue;  // a gap, of no family
    const std::uint32_t family = families.at(s.family);
    const format::Type type = contents.families[family].type;
    runs_.push_back({s.first_cell, s.end_cell(), s.cell_count, family, format::values_of(type),
                     format::is_of_processes(type)});
  }
  std::sort(runs_.begin(), runs_.end(),
            [](const Run& a, const Run& b) { return a.first < b.first; });
}

// Adds a series' cells to what the slot has.
void FamilyCounter::add(const Run& run, std::span<const std::uint64_t> cells, FamilyCounts& slot) {
  const bool is_used = std::any_of(cells.begin(), cells.end(), [](auto cell) { return cell != 0; });
  if (!is_used) return;
  for (const std::uint64_t cell : cells) slot.fingerprint = mixed(slot.fingerprint, cell);
  if (run.is_of_processes && cells[format::kGaugeValue] == 0) return;
  std::uint32_t& place = place_of_family_[run.family];
  if (place == 0) {
    slot.families.push_back({run.family, 0});
    place = static_cast<std::uint32_t>(slot.families.size());
  }
  slot.families[place - 1].counted += counted(run.values, cells.first(run.count));
}

std::optional<FamilyCounts> FamilyCounter::of(Reader& reader, format::SlotIndex slot) {
  if (planned_ != reader.catalogue()) {
    planned_ = reader.catalogue();
    plan(planned_->contents);
  }
  if (!reader.copy_data_in(slot, stretches_)) return std::nullopt;
  FamilyCounts counts{slot, {}, 0};
  place_of_family_.assign(planned_->contents.families.size(), 0);
  for (auto s = stretches_.begin(); s != stretches_.end(); ++s) {
    auto run = std::partition_point(runs_.begin(), runs_.end(),
                                    [&](const Run& r) { return r.end <= s->begin; });
    for (; run != runs_.end() && run->first < s->end; ++run) {
      // One that reaches in from the stretch before was added with that.
      if (run->first < s->begin && s != stretches_.begin() && run->first < std::prev(s)->end) {
        continue;
      }
      const std::uint64_t from = std::max(run->first, s->begin);
      const std::uint64_t to = std::min(run->end, s->end);
      if (from == run->first && to == run->end) {
        add(*run, {s->cells + from, to - from}, counts);
        continue;
      }
      // Pages of it are holes, or lie in further stretches.
      cells_.assign(run->end - run->first, 0);
      for (auto part = s; part != stretches_.end() && part->begin < run->end; ++part) {
        const std::uint64_t begin = std::max(run->first, part->begin);
        const std::uint64_t end = std::min(run->end, part->end);
        std::copy(part->cells + begin, part->cells + end,
                  cells_.begin() + static_cast<std::ptrdiff_t>(begin - run->first));
      }
      add(*run, cells_, counts);
    }
  }
  return counts;
}

std::vector<FamilyCounts> family_counts(Reader& reader) {
  FamilyCounter counter;
  std::vector<FamilyCounts> all;
  for (const format::SlotIndex slot : reader.used_slots()) {
    auto counts = counter.of(reader, slot);
    if (!counts) return {};
    all.push_back(std::move(*counts));
  }
  return all;
}

SlotCount sum_of(const Catalogue& catalogue, const FamilyCounts& counts) noexcept {
  SlotCount sum;
  double observations = 0;
  for (const FamilyCounts::Family& f : counts.families) {
    switch (format::values_of(catalogue.contents.families[f.family].type)) {
      case format::Values::kWholeAndFraction:
        sum.counters += f.counted;
        break;
      case format::Values::kCounts:
        observations += f.counted;
        break;
      default:  // nothing is counted there
        break;
    }
  }
  sum.observations = static_cast<std::uint64_t>(observations);
  return sum;
}

}  // namespace metrics::reader
