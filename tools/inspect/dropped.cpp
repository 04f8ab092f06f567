#include "libmetrics/reader/dropped.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "libmetrics/reader/held_back.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {
namespace {

const char* what(format::Dropped kind) {
  switch (kind) {
    case format::Dropped::kUpdate:
      return "update";
    case format::Dropped::kSeries:
      return "series";
    case format::Dropped::kLabelText:
      return "label";
    case format::Dropped::kExemplar:
      return "exemplar";
    case format::Dropped::kClaim:
      break;
  }
  return "slot";
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

// Adds the families that have a limit, and how many series they have of it.
void add_limits(const reader::Reader& reader, Json& json,
                std::vector<std::vector<std::string>>& rows) {
  for (const reader::Limited& f : reader::limited_families(reader)) {
    const bool is_full = f.series >= f.max_series;
    json["limits"].push_back({{"family", f.family->name},
                              {"series", f.series},
                              {"max_series", f.max_series},
                              {"now", is_full}});
    rows.push_back({"limit", "at most " + std::to_string(f.max_series) + " series",
                    std::to_string(f.series), is_full ? "yes" : "", "", "", "",
                    std::string(f.family->name)});
  }
}

// Adds what holds back removed series, and how many records are free: the room that the segment
// has for new series beside what was never used.
void add_removed(reader::Reader& reader, Json& json, std::vector<std::vector<std::string>>& rows) {
  const reader::HeldBack held = reader::held_back(reader);
  const bool is_disabled = reader::reuse_is_disabled(reader.usage());
  Json families = Json::array();
  for (const reader::HeldBack::Family& f : held.families) {
    Json processes = Json::array();
    for (const reader::HeadCopy& p : f.processes) {
      processes.push_back({{"slot", p.slot}, {"pid", p.pid}, {"command", p.command}});
    }
    families.push_back({{"family", f.name},
                        {"of_living_processes", f.of_living},
                        {"of_several_processes", f.of_several},
                        {"of_all", f.of_all},
                        {"processes", std::move(processes)}});
    const auto row = [&](std::uint64_t count, const std::string& why) {
      if (count == 0) return;
      rows.push_back(
          {"removed", "held back " + why, std::to_string(count), "yes", "", "", "", f.name});
    };
    row(f.of_living, "by " + listed(f.processes));
    row(f.of_several, "in this file: several processes have looked them up");
    row(f.of_all,
        is_disabled ? "in this file: it uses none again" : "by a process that has no slot");
  }
  if (held.free > 0) {
    rows.push_back(
        {"removed", "free to be used again", std::to_string(held.free), "", "", "", "", ""});
  }
  json["removed"] = {{"held_back", std::move(families)},
                     {"free", held.free},
                     {"reuse_disabled", is_disabled},
                     {"process_without_slot", held.has_slotless}};
}

}  // namespace

int dropped(const std::string& path, Format format) {
  reader::Reader reader(segment_at(path));
  if (!reader.look()) return unreadable(reader.why());
  Json json = {{"dropped", Json::array()}, {"hidden", Json::array()}, {"limits", Json::array()}};
  std::vector<std::vector<std::string>> rows = {
      {"WHAT", "REASON", "COUNT", "NOW", "LAST FAMILY", "LAST PID", "LAST TIME", "FAMILIES"}};
  for (const reader::DropReport& d : reader::drop_report(reader)) {
    if (d.count == 0) continue;
    const bool known = d.last.when_ns != 0;
    const auto families = reader::refused_families(reader, d.reason.drop);
    Json entry = {{"what", what(d.reason.what)},
                  {"reason", d.reason.reason},
                  {"count", d.count},
                  {"now", d.now},
                  {"families", families}};
    if (known) {
      entry["last"] = {
          {"family", d.last.family}, {"pid", d.last.pid}, {"time", utc(d.last.when_ns)}};
    }
    json["dropped"].push_back(std::move(entry));
    std::string names;
    for (const std::string_view name : families)
      names.append(names.empty() ? "" : " ").append(name);
    rows.push_back({what(d.reason.what), std::string(d.reason.reason), std::to_string(d.count),
                    d.now ? "yes" : "", d.last.family, known ? std::to_string(d.last.pid) : "",
                    known ? utc(d.last.when_ns) : "", names});
  }
  for (const reader::Hidden& h : reader::hidden_families(*reader.catalogue())) {
    json["hidden"].push_back(
        {{"family", format::described(*h.family)}, {"served", format::described(*h.served)}});
    rows.push_back({"family", "hidden by the " + format::described(*h.served), "", "yes",
                    format::described(*h.family), "", "", ""});
  }
  add_limits(reader, json, rows);
  add_removed(reader, json, rows);
  format == Format::kJson ? print(json) : print_table(std::move(rows));
  return kFine;
}

}  // namespace metrics::inspect
