#include "libmetrics/reader/identities.h"

#include <algorithm>

#include "libmetrics/reader/seeded.h"

namespace metrics::reader {
namespace {

std::uint64_t hash_of(const format::SeriesView& s) noexcept {
  return format::series_hash(format::strings_hash(s.strings, seed()), s.family, seed());
}

}  // namespace

bool Identities::insert(std::span<const format::SeriesView> all, std::uint32_t index) {
  const format::SeriesView& s = all[index];
  const std::uint64_t hash = hash_of(s);
  const auto [begin, end] = by_hash_.equal_range(hash);
  const bool is_new = std::none_of(begin, end, [&](const auto& entry) {
    const format::SeriesView& other = all[entry.second];
    return other.family == s.family && other.strings == s.strings;
  });
  if (!is_new) return false;
  by_hash_.emplace(hash, index);
  if (index >= hashes_.size()) hashes_.resize(std::size_t{index} + 1);
  hashes_[index] = hash;
  return true;
}

void Identities::erase(std::uint32_t index) {
  const auto [begin, end] = by_hash_.equal_range(hashes_[index]);
  const auto found =
      std::find_if(begin, end, [&](const auto& entry) { return entry.second == index; });
  if (found != end) by_hash_.erase(found);
}

}  // namespace metrics::reader
