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

std::string Processes::command_of(std::uint32_t pid) const {
  const reader::HeadCopy* last = nullptr;
  for (const reader::SlotReport& s : slots_) {
    const bool is_later = last == nullptr || s.head.claimed_ns > last->claimed_ns;
    if (!s.is_lane && s.head.pid == pid && is_later) last = &s.head;
  }
  return last == nullptr ? "" : last->command;
}

std::string Processes::named(std::uint32_t pid) const {
  const std::string command = command_of(pid);
  return std::to_string(pid) + (command.empty() ? "" : " ") + command;
}

std::string Processes::registrant(const reader::FamilySpace& space) const {
  const std::uint32_t pid = space.family == nullptr ? 0 : space.family->registrant;
  return pid == 0 ? "" : named(pid);
}

std::string Processes::registrants(const reader::FamilySpace& space) const {
  constexpr std::size_t kMost = 8;
  const std::uint32_t of_family = space.family == nullptr ? 0 : space.family->registrant;
  std::string text = of_family == 0 ? "" : named(of_family) + ": the family";
  std::string others;
  std::size_t listed = 0;
  for (const reader::Registrant& r : space.registered_by) {
    const std::string series = std::to_string(r.series) + " series";
    if (r.pid == of_family) {
      text += ", " + series;
    } else if (++listed <= kMost) {
      others += "; " + named(r.pid) + ": " + series;
    }
  }
  if (listed > kMost) others += "; and " + std::to_string(listed - kMost) + " more";
  return text.empty() && !others.empty() ? others.substr(2) : text + others;
}

exposition::Json Processes::registrants_json(const reader::FamilySpace& space) const {
  const auto entry = [&](std::uint32_t pid) {
    exposition::Json json = {{"pid", pid}};
    if (const std::string command = command_of(pid); !command.empty()) json["command"] = command;
    return json;
  };
  exposition::Json json = exposition::Json::object();
  if (space.family != nullptr && space.family->registrant != 0) {
    json["family"] = entry(space.family->registrant);
  }
  json["series"] = exposition::Json::array();
  for (const reader::Registrant& r : space.registered_by) {
    json["series"].push_back(entry(r.pid));
    json["series"].back()["series"] = r.series;
  }
  return json;
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

exposition::Json space_json(const reader::FamilySpace& space, const Processes& processes) {
  const bool is_known = space.family != nullptr;
  return {{"family", is_known ? space.family->name : ""},
          {"type", is_known ? format::to_string(space.family->type) : ""},
          {"series", space.live},
          {"removed", space.removed},
          {"cells", space.cells},
          {"directory_bytes", space.directory_bytes},
          {"slot_bytes", space.slot_bytes},
          {"registered_by", processes.registrants_json(space)},
          {"looked_up_by", processes_json(processes.owners(space.looked_up_by))},
          {"by_several", space.by_several}};
}

}  // namespace metrics::inspect
