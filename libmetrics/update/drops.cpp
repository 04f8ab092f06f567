#include "libmetrics/update/drops.h"

#include <algorithm>
#include <array>
#include <cstring>

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

// Stores which family's was dropped last, by whom and when.
void note_last(format::Refusal& last, std::string_view name, std::uint64_t needed) noexcept {
  std::array<std::uint64_t, std::tuple_size_v<decltype(last.name)>> words{};
  if (!name.empty()) std::memcpy(words.data(), name.data(), std::min(name.size(), sizeof words));
  for (std::size_t k = 0; k < words.size(); ++k) last.name[k].store(words[k], kRelaxed);
  last.pid.store(static_cast<std::uint64_t>(own_pid()), kRelaxed);
  last.needed.store(needed, kRelaxed);
  // Not about_now_ns(), which may be before the process's claim of its slot.
  last.when_ns.store(format::now_ns(), kRelaxed);
}

// Stores that one of that family was dropped, if there is such a record.
void note_family(const format::Window& window, format::Offset offset, std::uint64_t bit) noexcept {
  const auto* family = window.at<format::FamilyRecord>(offset);
  if (offset == 0 || family == nullptr) return;
  auto& refusals = const_cast<format::Cell&>(family->refusals);
  if ((refusals.load(kRelaxed) & bit) == 0) refusals.fetch_or(bit, kRelaxed);
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

void drop(const Segment& segment, format::Drop reason, const Lost& lost) noexcept {
  const auto i = static_cast<std::size_t>(reason);
  segment.header().dropped[i].fetch_add(1, kRelaxed);
  note_since(segment.header(), i);
  const format::Window window(segment.base(), 0, segment.geometry().shared_bytes());
  note_last(segment.header().refusals[i],
            lost.name.empty() ? format::name_at(window, lost.family) : lost.name, lost.needed);
  note_family(window, lost.family, std::uint64_t{1} << i);
  if (segment.number() >= METRICS_MAX_SEGMENTS) return;  // it is being joined
  const ProcessClaim& claim = process().claims[segment.number()];
  // Acquire: pairs with the release of who has claimed the slot, so that the owner is stored.
  if (claim.state.load(std::memory_order_acquire) != ProcessClaim::State::kOwned) return;
  count_in(segment.head(claim.owner.slot).dropped, claim.owner.generation);
}

void drop_of(const Gauge& gauge, std::uint32_t segment, format::Drop reason) noexcept {
  const OwnSlots* own = own_slots_at(segment);
  if (own != nullptr) drop(own->segment(), reason, {gauge.family()});
}

}  // namespace metrics::update
