#include "libmetrics/reader/family_counts.h"

#include <algorithm>
#include <bit>
#include <span>
#include <unordered_map>

#include "libmetrics/format/types.h"
#include "libmetrics/reader/seeded.h"

namespace metrics::reader {
namespace {

// The cells of one series.
struct Run {
  std::uint64_t first, end;  // with its places of exemplars
  std::uint32_t count;       // without them
  std::uint32_t family;
  format::Values values;
  std::size_t series;  // index into the catalogue's
};

std::vector<Run> runs_of(const Contents& contents) {
  std::unordered_map<format::Offset, std::uint32_t, Seeded> families;
  for (std::size_t i = 0; i < contents.families.size(); ++i) {
    families.emplace(contents.families[i].offset, static_cast<std::uint32_t>(i));
  }
  std::vector<Run> runs;
  for (std::size_t i = 0; i < contents.series.size(); ++i) {
    const format::SeriesView& s = contents.series[i];
    const std::uint32_t family = families.at(s.family);
    runs.push_back({s.first_cell, s.end_cell(), s.cell_count, family,
                    format::values_of(contents.families[family].type), i});
  }
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.first < b.first; });
  return runs;
}

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

// Adds a series' cells to what the slot has.
void add(const Run& run, std::span<const std::uint64_t> cells, FamilyCounts& slot,
         std::vector<std::uint32_t>& place_of_family) {
  const bool is_used = std::any_of(cells.begin(), cells.end(), [](auto cell) { return cell != 0; });
  if (!is_used) return;
  for (const std::uint64_t cell : cells) slot.fingerprint = mixed(slot.fingerprint, cell);
  std::uint32_t& place = place_of_family[run.family];
  if (place == 0) {
    slot.families.push_back({run.family, 0});
    place = static_cast<std::uint32_t>(slot.families.size());
  }
  slot.families[place - 1].counted += counted(run.values, cells.first(run.count));
}

}  // namespace

std::vector<FamilyCounts> family_counts(Reader& reader) {
  const auto catalogue = reader.catalogue();
  const std::vector<Run> runs = runs_of(catalogue->contents);
  std::vector<FamilyCounts> all;
  std::vector<Reader::Stretch> stretches;
  std::vector<std::uint32_t> place_of_family;
  std::vector<std::uint64_t> scratch;
  for (const format::SlotIndex slot : reader.used_slots()) {
    if (!reader.copy_data_in(slot, stretches)) return {};
    FamilyCounts counts{slot, {}, 0};
    place_of_family.assign(catalogue->contents.families.size(), 0);
    for (auto s = stretches.begin(); s != stretches.end(); ++s) {
      auto run = std::partition_point(runs.begin(), runs.end(),
                                      [&](const Run& r) { return r.end <= s->begin; });
      for (; run != runs.end() && run->first < s->end; ++run) {
        // One that reaches in from the stretch before was added with that.
        if (run->first < s->begin && s != stretches.begin() && run->first < std::prev(s)->end) {
          continue;
        }
        const std::uint64_t from = std::max(run->first, s->begin);
        const std::uint64_t to = std::min(run->end, s->end);
        if (from == run->first && to == run->end) {
          add(*run, {s->cells + from, to - from}, counts, place_of_family);
          continue;
        }
        // Pages of it are holes, or lie in further stretches.
        scratch.assign(run->end - run->first, 0);
        for (auto part = s; part != stretches.end() && part->begin < run->end; ++part) {
          const std::uint64_t begin = std::max(run->first, part->begin);
          const std::uint64_t end = std::min(run->end, part->end);
          std::copy(part->cells + begin, part->cells + end,
                    scratch.begin() + static_cast<std::ptrdiff_t>(begin - run->first));
        }
        add(*run, scratch, counts, place_of_family);
      }
    }
    all.push_back(std::move(counts));
  }
  return all;
}

}  // namespace metrics::reader
