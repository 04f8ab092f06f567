#include "libmetrics/reader/overlooked.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <tuple>

#include "libmetrics/format/layout.h"

namespace metrics::reader {
namespace {

// Returns how far into one of these records the offset leads; nullopt if it is before them all.
template <class Views>
std::optional<std::uint64_t> distance_into(const Views& views, format::Offset offset) {
  const auto after = std::upper_bound(views.begin(), views.end(), offset,
                                      [](format::Offset o, const auto& v) { return o < v.offset; });
  if (after == views.begin()) return std::nullopt;
  return offset - std::prev(after)->offset;
}

}  // namespace

bool only_overlooked(const std::vector<std::uint64_t>& before,
                     const std::vector<std::uint64_t>& after, const Contents& contents,
                     const format::Geometry& geometry) {
  const auto overlooked = [&](format::Offset offset) {
    if (offset < geometry.directory) {
      return (offset - geometry.index) % sizeof(format::Chain) == offsetof(format::Chain, commit);
    }
    // The records of both lists stand apart from each other, so the nearer beginning is that of the
    // record which the word may belong to.
    const auto family = distance_into(contents.families, offset);
    const auto series = distance_into(contents.series, offset);
    if (family && (!series || *family < *series)) {
      using format::FamilyRecord;
      return *family == offsetof(FamilyRecord, opened) ||
             *family == offsetof(FamilyRecord, refusals) ||
             *family == offsetof(FamilyRecord, series_used);
    }
    return series && *series == offsetof(format::SeriesRecord, holder);
  };
  auto a = before.begin();
  auto b = after.begin();
  for (;;) {
    std::tie(a, b) = std::mismatch(a, before.end(), b);
    if (a == before.end()) return true;
    const auto word = static_cast<std::uint64_t>(a - before.begin());
    if (!overlooked(geometry.index + word * sizeof(std::uint64_t))) return false;
    ++a;
    ++b;
  }
}

}  // namespace metrics::reader
