#include "libmetrics/reader/slot_report.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "libmetrics/reader/written_heads.h"

namespace metrics::reader {
namespace {

using Owners = std::vector<format::Ownership>;  // by first slot

// Returns true if the owner of a first slot holds it, or is about to.
bool is_held(const format::Ownership& owner) noexcept {
  return owner.state == format::Ownership::State::kOwned ||
         owner.state == format::Ownership::State::kClaiming;
}

// Returns true if the process whose thread has that lane lives.
bool is_living(const format::Owner& of_lane, const Owners& owners) noexcept {
  if (of_lane.slot == 0 || of_lane.slot >= owners.size()) return false;
  const format::Ownership& owner = owners[of_lane.slot];
  return owner.state == format::Ownership::State::kOwned && owner.generation == of_lane.generation;
}

}  // namespace

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

bool is_first_owner(const SlotReport& slot) noexcept { return slot.head.generation == 1; }

namespace {

// Counts the lanes of each process: those that name its slot and generation.
void count_threads(std::vector<SlotReport>& report) {
  std::unordered_map<format::SlotIndex, SlotReport*> processes;
  for (SlotReport& s : report) {
    if (s.is_lane) continue;
    s.threads = 1;
    processes.emplace(s.head.slot, &s);
  }
  for (const SlotReport& s : report) {
    if (!s.is_lane) continue;
    const auto process = processes.find(s.head.owner.slot);
    if (process == processes.end()) continue;
    if (process->second->head.generation == s.head.owner.generation) ++process->second->threads;
  }
}

}  // namespace

std::vector<SlotReport> slot_report(Reader& reader) {
  using State = SlotReport::State;
  const auto slots = reader.used_slots();
  std::vector<HeadCopy> heads = reader.heads(slots.back());
  if (heads.empty()) return {};
  const Owners owners = reader.owners();
  std::vector<SlotReport> report;
  for (const format::SlotIndex slot : slots) {
    if (slot == 0) continue;
    SlotReport entry{State::kDead, slot > reader.geometry().first_slots, std::move(heads[slot])};
    if (!entry.is_lane) {
      entry.state = is_held(owners[slot]) ? State::kLive : State::kDead;
    } else if (entry.head.owner.slot == 0) {
      entry.state = State::kFree;
    } else if (is_living(entry.head.owner, owners)) {
      entry.state = State::kLive;
    }
    report.push_back(std::move(entry));
  }
  count_threads(report);
  return report;
}

std::uint64_t count_live_slots(Reader& reader) {
  const Owners owners = reader.owners();
  auto count = static_cast<std::uint64_t>(std::count_if(owners.begin(), owners.end(), is_held));
  const format::SlotIndex first_slots = reader.geometry().first_slots;
  const format::SlotIndex last = first_slots + reader.usage().lanes_used;
  visit_written_heads(reader, [&](const HeadCopy& head) {
    if (head.slot > first_slots && head.slot <= last && is_living(head.owner, owners)) ++count;
    return head.slot < last;
  });
  return count;
}

}  // namespace metrics::reader
