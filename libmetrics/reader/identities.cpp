#include "libmetrics/reader/identities.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "libmetrics/reader/seeded.h"

namespace metrics::reader {
namespace {

constexpr std::size_t kLeastSlots = 16;

std::uint32_t hash_of(const format::SeriesView& s) noexcept {
  const std::uint64_t hash =
      format::series_hash(format::strings_hash(s.strings, seed()), s.family, seed());
  return static_cast<std::uint32_t>(hash ^ hash >> 32);
}

}  // namespace

void Identities::reserve(std::size_t count) {
  const std::size_t slots = std::bit_ceil(std::max(kLeastSlots, count + count / 3 + 1));
  if (slots > slots_.size()) grow(slots);
  hashes_.reserve(count + count / 8);
}

void Identities::grow(std::size_t slots) {
  const auto former = std::exchange(slots_, std::vector<std::uint32_t>(slots, kFree));
  for (const std::uint32_t index : former) {
    if (index == kFree) continue;
    std::size_t at = home_of(hashes_[index]);
    while (slots_[at] != kFree) at = after(at);
    slots_[at] = index;
  }
}

void Identities::expect(const format::SeriesView& series) const noexcept {
  if (!slots_.empty()) __builtin_prefetch(&slots_[home_of(hash_of(series))]);
}

bool Identities::insert(std::span<const format::SeriesView> all, std::uint32_t index) {
  if (4 * (used_ + 1) > 3 * slots_.size()) grow(std::max(kLeastSlots, 2 * slots_.size()));
  const format::SeriesView& s = all[index];
  const std::uint32_t hash = hash_of(s);
  std::size_t at = home_of(hash);
  for (; slots_[at] != kFree; at = after(at)) {
    if (hashes_[slots_[at]] != hash) continue;
    const format::SeriesView& other = all[slots_[at]];
    if (other.family == s.family && other.strings == s.strings) return false;
  }
  if (index >= hashes_.size()) hashes_.resize(std::size_t{index} + 1);
  hashes_[index] = hash;
  slots_[at] = index;
  ++used_;
  return true;
}

void Identities::erase(std::uint32_t index) {
  std::size_t free = home_of(hashes_[index]);
  for (; slots_[free] != index; free = after(free)) {
    if (slots_[free] == kFree) return;
  }
  --used_;
  // Those behind it move up, so that none is behind a free slot between its home and itself.
  for (std::size_t at = after(free); slots_[at] != kFree; at = after(at)) {
    const std::size_t home = home_of(hashes_[slots_[at]]);
    const std::size_t mask = slots_.size() - 1;
    if (((at - home) & mask) < ((at - free) & mask)) continue;
    slots_[free] = slots_[at];
    free = at;
  }
  slots_[free] = kFree;
}

}  // namespace metrics::reader
