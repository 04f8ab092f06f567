#include "aggregator/exposition/segment_json.h"

#include <cstdint>
#include <utility>

#include "aggregator/exposition/utc.h"
#include "libmetrics/format/editions.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/reader/dropped.h"
#include "libmetrics/reader/held_back.h"

namespace metrics::exposition {
namespace {

Json held_back_json(const reader::HeldBack::Family& f) {
  Json processes = Json::array();
  for (const reader::HeadCopy& p : f.processes) {
    processes.push_back({{"slot", p.slot}, {"pid", p.pid}, {"command", p.command}});
  }
  return {{"family", f.name},
          {"of_living_processes", f.of_living},
          {"of_several_processes", f.of_several},
          {"of_all", f.of_all},
          {"processes", std::move(processes)}};
}

}  // namespace

Json segment_json(reader::Reader& reader) {
  const auto& g = reader.geometry();
  const auto& usage = reader.usage();
  const auto catalogue = reader.catalogue();
  Json json = {{"segment", reader.file()},
               {"memory_bytes", usage.space_taken},
               {"slots_used", usage.first_slots_used + usage.lanes_used},
               {"slots_live", reader::count_live_slots(reader)},
               {"slots_capacity", g.first_slots + g.lanes},
               {"cells_used", usage.cells_used},
               {"cells_capacity", g.cells},
               {"directory_used_bytes", usage.directory_used},
               {"directory_capacity_bytes", g.directory_bytes},
               {"created", utc(usage.created_ns)},
               {"format", std::to_string(format::kMajor) + '.' + std::to_string(usage.minor)}};
  if (catalogue != nullptr) {
    json["families"] = catalogue->contents.families.size();
    json["series"] = catalogue->contents.series_records();
  }
  if (usage.taken_ns != 0) json["taken"] = utc(usage.taken_ns);
  return json;
}

Json unreadable_segment_json(const std::string& file, const std::string& why) {
  return {{"segment", file}, {"error", why}};
}

Json slot_json(const reader::SlotReport& slot, const reader::SlotCount& count) {
  Json json = {{"slot", slot.head.slot},
               {"kind", slot.is_lane ? "thread" : "process"},
               {"state", reader::to_string(slot.state)},
               {"pid", slot.head.pid},
               {"pid_namespace", slot.head.pid_namespace},
               {"command", slot.head.command},
               {"generation", slot.head.generation},
               {"claimed", utc(slot.head.claimed_ns)}};
  if (!slot.is_lane) {
    json["threads"] = slot.threads;
    json["dropped"] = slot.head.dropped;
  }
  const Json counts = {{"counters", count.counters}, {"observations", count.observations}};
  json.update(counts);
  if (reader::is_first_owner(slot)) json["since_claim"] = counts;
  return json;
}

Json dropped_json(reader::Reader& reader) {
  Json json = {{"dropped", Json::array()}, {"hidden", Json::array()}, {"limits", Json::array()}};
  for (const reader::DropReport& d : reader::drop_report(reader)) {
    if (d.count == 0) continue;
    Json& entry = json["dropped"].emplace_back();
    entry = {{"what", format::to_string(d.reason.what)},
             {"reason", d.reason.reason},
             {"count", d.count}};
    if (d.since_ns != 0) entry["since"] = utc(d.since_ns);
    if (d.now) entry["now"] = *d.now;
    entry["families"] = reader::refused_families(reader, d.reason.drop);
    if (d.last.when_ns != 0) {
      entry["last"] = {{"pid", d.last.pid}, {"time", utc(d.last.when_ns)}};
      if (!d.last.family.empty()) entry["last"]["family"] = d.last.family;
    }
  }
  for (const reader::Hidden& h : reader::hidden_families(*reader.catalogue())) {
    json["hidden"].push_back({{"family", format::described(*h.family)},
                              {"served", format::described(*h.served)},
                              {"where_escaped", h.where_escaped}});
  }
  for (const reader::Limited& f : reader::limited_families(reader)) {
    json["limits"].push_back({{"family", f.family->name},
                              {"series", f.series},
                              {"max_series", f.max_series},
                              {"now", f.series >= f.max_series}});
  }
  const reader::HeldBack held = reader::held_back(reader);
  Json families = Json::array();
  for (const reader::HeldBack::Family& f : held.families) families.push_back(held_back_json(f));
  json["removed"] = {{"held_back", std::move(families)},
                     {"free", held.free},
                     {"reuse_disabled", reader::reuse_is_disabled(reader.usage())},
                     {"process_without_slot", held.has_slotless}};
  return json;
}

}  // namespace metrics::exposition
