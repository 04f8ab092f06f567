#include "libmetrics/reader/slot_report.h"

#include <utility>

namespace metrics::reader {

std::string_view to_string(SlotReport::State state) noexcept {
  switch (state) {
    case SlotReport::State::kLive:
      return "live";
    case SlotReport::State::kDead:
      return "dead";
    case SlotReport::State::kFree:
      return "free";
  }
  return "unknown";
}

std::vector<SlotReport> slot_report(Reader& reader) {
  using State = SlotReport::State;
  const auto slots = reader.used_slots();
  std::vector<HeadCopy> heads = reader.heads(slots.back());
  if (heads.empty()) return {};
  const std::vector<format::Ownership> owners = reader.owners();
  std::vector<SlotReport> report;
  for (const format::SlotIndex slot : slots) {
    if (slot == 0) continue;
    SlotReport entry{State::kDead, slot > reader.geometry().first_slots, std::move(heads[slot])};
    if (!entry.is_lane) {
      const bool held = owners[slot].state == format::Ownership::State::kOwned ||
                        owners[slot].state == format::Ownership::State::kClaiming;
      entry.state = held ? State::kLive : State::kDead;
    } else if (entry.head.owner.slot == 0) {
      entry.state = State::kFree;
    } else if (entry.head.owner.slot < owners.size()) {
      const format::Ownership& owner = owners[entry.head.owner.slot];
      const bool same = owner.state == format::Ownership::State::kOwned &&
                        owner.generation == entry.head.owner.generation;
      entry.state = same ? State::kLive : State::kDead;
    }
    report.push_back(std::move(entry));
  }
  return report;
}

}  // namespace metrics::reader
