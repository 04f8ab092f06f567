#include "libmetrics/reader/series_edits.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace metrics::reader {

void apply(SeriesEdits edits, std::vector<Series>& list) {
  auto& removed = edits.removed;
  auto& added = edits.added;
  std::ranges::sort(removed);
  std::ranges::sort(added, {}, &Series::record);
  if (!removed.empty()) {
    const auto first = std::ranges::lower_bound(list, removed.front(), {}, &Series::record);
    list.erase(std::remove_if(
                   first, list.end(),
                   [&](const Series& s) { return std::ranges::binary_search(removed, s.record); }),
               list.end());
  }
  if (added.empty()) return;
  const auto behind = std::ranges::lower_bound(list, added.front().record, {}, &Series::record);
  const auto place = behind - list.begin();
  const auto old = static_cast<std::ptrdiff_t>(list.size());
  std::ranges::move(added, std::back_inserter(list));
  std::inplace_merge(list.begin() + place, list.begin() + old, list.end(),
                     [](const Series& a, const Series& b) { return a.record < b.record; });
}

}  // namespace metrics::reader
