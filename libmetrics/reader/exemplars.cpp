#include "libmetrics/reader/exemplars.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string>

#include "libmetrics/reader/mapping.h"

namespace metrics::reader {

void ExemplarMerge::forget() {
  records_.clear();
  series_.clear();
}

void ExemplarMerge::add(std::size_t index, const format::SeriesView& record,
                        const format::FamilyView& family) {
  if (index == series_.size()) series_.push_back({&family, {}});
  records_.push_back({index, record.offset, record.state, record.first_place, record.places});
}

void ExemplarMerge::arrange() {
  const auto by_place = [](const Record& a, const Record& b) {
    return a.first_place < b.first_place;
  };
  std::sort(records_.begin(), records_.end(), by_place);
}

void ExemplarMerge::begin() {
  for (OfSeries& s : series_) s.newest.clear();
}

bool ExemplarMerge::hold(Reader& reader, std::span<const Reader::Stretch> stretches) {
  // A place that reaches into a hole was not written whole.
  const auto each_place = [&](auto visit) {
    auto record = records_.begin();
    for (const Reader::Stretch& s : stretches) {
      while (record != records_.end() &&
             record->first_place + record->places * format::kPlaceCells <= s.begin) {
        ++record;
      }
      for (auto r = record; r != records_.end() && r->first_place < s.end; ++r) {
        for (std::uint64_t i = 0; i < r->places; ++i) {
          const std::uint64_t cell = r->first_place + i * format::kPlaceCells;
          if (cell >= s.begin && cell + format::kPlaceCells <= s.end)
            visit(*r, cell, s.cells + cell);
        }
      }
    }
  };
  std::size_t count = 0;
  each_place([&](const Record&, std::uint64_t, const std::uint64_t*) { ++count; });
  found_.resize(count);
  count = 0;
  constexpr std::size_t kStamp = offsetof(format::Place, stamp) / sizeof(format::Cell);
  const bool read = read_guarded([&] {
    each_place([&](const Record& record, std::uint64_t cell, const std::uint64_t* from) {
      // Each word with one access: its writer changes it meanwhile.
      if (__atomic_load_n(from + kStamp, __ATOMIC_RELAXED) == 0) return;
      std::array<std::uint64_t, format::kPlaceCells> words;
      for (std::size_t i = 0; i < words.size(); ++i) {
        words[i] = __atomic_load_n(from + i, __ATOMIC_RELAXED);
      }
      found_[count++] = {&record, cell, std::bit_cast<format::ExemplarWords>(words)};
    });
  });
  if (!read) return reader.truncated();
  for (std::size_t i = 0; i < count; ++i) keep(found_[i], reader.hash_key());
  return true;
}

void ExemplarMerge::keep(const Found& found, const format::HashKey& key) {
  const auto value = std::bit_cast<double>(found.words.value);
  if (std::isnan(value)) return;
  OfSeries& series = series_[found.record->index];
  const auto& bounds = series.family->bounds;
  const auto bound = std::lower_bound(bounds.begin(), bounds.end(), value);
  const auto bucket = static_cast<std::size_t>(bound - bounds.begin());
  const std::uint32_t octave = series.family->native ? format::octave_of(value) : 0;
  const auto there = std::find_if(series.newest.begin(), series.newest.end(), [&](const Newest& n) {
    return n.bucket == bucket && n.octave == octave;
  });
  const bool is_new = there == series.newest.end();
  if (!is_new && there->words.stamp >= found.words.stamp) return;
  if (!format::is_whole(found.words, {found.record->offset, found.record->live, found.cell}, key)) {
    return;
  }
  if (is_new) {
    series.newest.push_back({bucket, octave, found.words});
  } else {
    there->words = found.words;
  }
}

void ExemplarMerge::put(std::uint64_t now_ns, std::vector<std::vector<Exemplar>>& to) const {
  for (std::size_t i = 0; i < series_.size(); ++i) {
    to[i].clear();
    for (const Newest& n : series_[i].newest) {
      const auto labels = format::labels_in(n.words);
      if (!labels) continue;
      Exemplar& e = to[i].emplace_back(
          Exemplar{{}, std::bit_cast<double>(n.words.value), std::min(n.words.stamp, now_ns)});
      for (const auto& [name, value] : *labels) {
        e.labels.push_back({std::string(name), std::string(value)});
      }
    }
    std::sort(to[i].begin(), to[i].end(),
              [](const Exemplar& a, const Exemplar& b) { return a.value < b.value; });
  }
}

}  // namespace metrics::reader
