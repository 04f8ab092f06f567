#include "tools/inspect/processes.h"

#include <algorithm>
#include <map>

#include "libmetrics/format/types.h"
#include "tools/inspect/units.h"

namespace metrics::inspect {

bool is_event(const format::FamilyView& family) {
  return format::values_of(family.type) == format::Values::kCounts ||
         unit_of(family.name, family.unit) == Unit::kNone;
}

Processes::Processes(reader::Reader& reader) : slots_(reader::slot_report(reader)) {}

std::vector<reader::HeadCopy> Processes::owners(std::span<const format::Owner> owners) const {
  std::vector<reader::HeadCopy> heads;
  for (const reader::SlotReport& s : slots_) {
    const auto is_one = [&](const format::Owner& o) {
      return !s.is_lane && o.slot == s.head.slot && o.generation == s.head.generation;
    };
    if (std::any_of(owners.begin(), owners.end(), is_one)) heads.push_back(s.head);
  }
  return heads;
}

std::vector<format::SlotIndex> Processes::lanes_of(const reader::SlotReport& slot) const {
  std::vector<format::SlotIndex> lanes;
  for (const reader::SlotReport& s : slots_) {
    if (s.is_lane && s.head.owner.slot == slot.head.slot &&
        s.head.owner.generation == slot.head.generation) {
      lanes.push_back(s.head.slot);
    }
  }
  return lanes;
}

std::vector<Process> Processes::counted(const reader::Catalogue& catalogue,
                                        const std::vector<reader::FamilyCounts>& counts) const {
  std::map<format::SlotIndex, Process> by_slot;
  for (const reader::SlotReport& s : slots_) {
    if (!s.is_lane) by_slot[s.head.slot].slot = s;
  }
  std::map<format::SlotIndex, format::SlotIndex> process_of;  // of lanes
  for (const reader::SlotReport& s : slots_) {
    const auto owner = by_slot.find(s.is_lane ? s.head.owner.slot : s.head.slot);
    if (owner == by_slot.end()) continue;
    const bool is_its = !s.is_lane || owner->second.slot.head.generation == s.head.owner.generation;
    if (!is_its) continue;
    process_of[s.head.slot] = owner->first;
    if (s.is_lane) ++owner->second.threads;
  }
  for (const reader::FamilyCounts& c : counts) {
    const auto at = process_of.find(c.slot);
    if (at == process_of.end()) continue;
    Process& process = by_slot[at->second];
    process.fingerprint += c.fingerprint;
    for (const reader::FamilyCounts::Family& f : c.families) {
      process.families.push_back(f.family);
      if (is_event(catalogue.contents.families[f.family])) process.events += f.counted;
    }
  }
  std::vector<Process> all;
  for (auto& [slot, process] : by_slot) {
    auto& families = process.families;
    std::sort(families.begin(), families.end());
    families.erase(std::unique(families.begin(), families.end()), families.end());
    all.push_back(std::move(process));
  }
  return all;
}

std::string listed(const std::vector<reader::HeadCopy>& processes) {
  constexpr std::size_t kMost = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(kMost, processes.size()); ++i) {
    text.append(i == 0 ? "" : ", ").append(std::to_string(processes[i].pid));
    text.append(1, ' ').append(processes[i].command);
  }
  if (processes.size() > kMost) {
    text.append(" and " + std::to_string(processes.size() - kMost) + " more");
  }
  return text;
}

exposition::Json processes_json(const std::vector<reader::HeadCopy>& processes) {
  auto json = exposition::Json::array();
  for (const reader::HeadCopy& p : processes) {
    json.push_back({{"slot", p.slot}, {"pid", p.pid}, {"command", p.command}});
  }
  return json;
}

}  // namespace metrics::inspect
