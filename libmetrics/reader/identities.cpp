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
}

void Identities::grow(std::size_t slots) {
  const std::vector<Slot> former = std::exchange(slots_, std::vector<Slot>(slots));
  for (const Slot& s : former) {
    if (s.index == kFree) continue;
    std::size_t at = home_of(s.hash);
    while (slots_[at].index != kFree) at = after(at);
    slots_[at] = s;
  }
}

bool Identities::insert(std::span<const format::SeriesView> all, std::uint32_t index) {
  if (4 * (used_ + 1) > 3 * slots_.size()) grow(std::max(kLeastSlots, 2 * slots_.size()));
  const format::SeriesView& s = all[index];
  const std::uint32_t hash = hash_of(s);
  std::size_t at = home_of(hash);
  for (; slots_[at].index != kFree; at = after(at)) {
    if (slots_[at].hash != hash) continue;
    const format::SeriesView& other = all[slots_[at].index];
    if (other.family == s.family && other.strings == s.strings) return false;
  }
  if (index >= hashes_.size()) hashes_.resize(std::size_t{index} + 1);
  hashes_[index] = hash;
  slots_[at] = {hash, index};
  ++used_;
  return true;
}

void Identities::erase(std::uint32_t index) {
  std::size_t free = home_of(hashes_[index]);
  for (; slots_[free].index != index; free = after(free)) {
    if (slots_[free].index == kFree) return;
  }
  --used_;
  // Those behind it move up, so that none is behind a free slot between its home and itself.
  for (std::size_t at = after(free); slots_[at].index != kFree; at = after(at)) {
    const std::size_t home = home_of(slots_[at].hash);
    const std::size_t mask = slots_.size() - 1;
    if (((at - home) & mask) < ((at - free) & mask)) continue;
    slots_[free] = slots_[at];
    free = at;
  }
  slots_[free] = {};
}

}  // namespace metrics::reader
