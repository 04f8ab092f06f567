#include "libmetrics/update/drops.h"

#include "libmetrics/format/clock.h"
#include "libmetrics/update/own_slots.h"
#include "libmetrics/update/process.h"

namespace metrics::update {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;  // counts for people: they order nothing

// Stores when the first one was dropped for that reason, in a file that has a word for it. Of
// several processes at the same moment, one stores it.
void note_since(format::Header& header, std::size_t reason) noexcept {
  constexpr auto kEnd = offsetof(format::Header, dropped_since) + sizeof(header.dropped_since);
  if (header.header_bytes < kEnd) return;
  format::Cell& since = header.dropped_since[reason];
  std::uint64_t none = since.load(kRelaxed);
  if (none == 0) since.compare_exchange_strong(none, format::about_now_ns(), kRelaxed, kRelaxed);
}

// Counts one more in the head of the slot that this process owns. Several of its threads may do so.
void count_in(format::Cell& word, format::Generation own) noexcept {
  std::uint64_t seen = word.load(kRelaxed);
  // If the word has changed since it was loaded, another thread of this process has begun to count.
  if (format::dropped_by(seen).generation != own &&
      word.compare_exchange_strong(seen, format::dropped_word({own, 1}), kRelaxed, kRelaxed)) {
    return;
  }
  if (format::dropped_by(seen).count < format::kMostDroppedBy) word.fetch_add(1, kRelaxed);
}

}  // namespace

void drop(const Segment& segment, format::Drop reason) noexcept {
  const auto i = static_cast<std::size_t>(reason);
  segment.header().dropped[i].fetch_add(1, kRelaxed);
  note_since(segment.header(), i);
  if (segment.number() >= METRICS_MAX_SEGMENTS) return;  // it is being joined
  const ProcessClaim& claim = process().claims[segment.number()];
  // Acquire: pairs with the release of who has claimed the slot, so that the owner is stored.
  if (claim.state.load(std::memory_order_acquire) != ProcessClaim::State::kOwned) return;
  count_in(segment.head(claim.owner.slot).dropped, claim.owner.generation);
}

void drop(std::uint32_t segment, format::Drop reason) noexcept {
  if (const OwnSlots* own = own_slots_at(segment); own != nullptr) drop(own->segment(), reason);
}

}  // namespace metrics::update
