#include "libmetrics/reader/series_edits.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace metrics::reader {
namespace {

constexpr std::size_t kFew = SeriesChunk::kMost / 4;

// Appends series in as few chunks as hold them, of about the same size: then each has room for
// those that come next.
void append_evenly(const SeriesList& from, SeriesList& to) {
  const std::size_t chunks = (from.size() + SeriesChunk::kMost - 1) / SeriesChunk::kMost;
  std::size_t begun = 0;
  SeriesList even;
  for (const SeriesList::Entry& entry : from.entries()) {
    for (std::size_t i = 0; i < entry.chunk->size(); ++i) {
      even.push_back(*entry.chunk, i);
      if (entry.begin + i + 1 < from.size() * (begun + 1) / chunks) continue;
      for (const SeriesList::Entry& full : even.entries()) to.append(full);
      even.clear();
      ++begun;
    }
  }
}

void append_all(const SeriesList& from, SeriesList& to) {
  for (const SeriesList::Entry& entry : from.entries()) to.append(entry);
}

}  // namespace

void apply(std::vector<format::Offset> removed, const SeriesList& added, SeriesList& list) {
  std::ranges::sort(removed);
  const SeriesList former = std::exchange(list, {});
  const auto entries = former.entries();
  auto next_removed = removed.begin();
  auto next_added = added.begin();
  SeriesList fresh;  // instead of the chunks before this one that have changed
  const auto add_before = [&](format::Offset record) {
    while (next_added != added.end() && (*next_added).record < record)
      fresh.push_back(*next_added++);
  };
  for (std::size_t k = 0; k < entries.size(); ++k) {
    const bool is_last = k + 1 == entries.size();
    const format::Offset end = is_last ? std::numeric_limits<format::Offset>::max()
                                       : entries[k + 1].chunk->facts().front().record;
    const bool changes = (next_removed != removed.end() && *next_removed < end) ||
                         (next_added != added.end() && (*next_added).record < end);
    if (!changes && fresh.empty()) {
      list.append(entries[k]);
      continue;
    }
    const SeriesChunk& chunk = *entries[k].chunk;
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      const format::Offset record = chunk.facts()[i].record;
      add_before(record);
      while (next_removed != removed.end() && *next_removed < record) ++next_removed;
      if (next_removed != removed.end() && *next_removed == record) continue;
      fresh.push_back(chunk, i);
    }
    add_before(end);
    if (is_last) {
      append_all(fresh, list);  // filled: what comes next stands behind them
    } else if (fresh.size() >= kFew) {
      append_evenly(fresh, list);
    } else {
      continue;
    }
    fresh.clear();
  }
  add_before(std::numeric_limits<format::Offset>::max());
  append_all(fresh, list);
}

}  // namespace metrics::reader
