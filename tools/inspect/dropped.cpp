#include "libmetrics/reader/dropped.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/exposition/segment_json.h"
#include "aggregator/exposition/utc.h"
#include "libmetrics/reader/held_back.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/processes.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {
namespace {

using Rows = std::vector<std::vector<std::string>>;

void add_drops(const reader::Reader& reader, Rows& rows) {
  for (const reader::DropReport& d : reader::drop_report(reader)) {
    if (d.count == 0) continue;
    const bool known = d.last.when_ns != 0;
    std::string names;
    for (const std::string_view name : reader::refused_families(reader, d.reason.drop)) {
      names.append(names.empty() ? "" : " ").append(name);
    }
    rows.push_back({std::string(format::to_string(d.reason.what)), std::string(d.reason.reason),
                    std::to_string(d.count), d.since_ns != 0 ? exposition::utc(d.since_ns) : "",
                    d.now ? (*d.now ? "yes" : "no") : "", d.last.family,
                    known ? std::to_string(d.last.pid) : "",
                    known ? exposition::utc(d.last.when_ns) : "", names});
  }
}

// Adds the families that have a limit, and how many series they have of it.
void add_limits(const reader::Reader& reader, Rows& rows) {
  for (const reader::Limited& f : reader::limited_families(reader)) {
    rows.push_back({"limit", "at most " + std::to_string(f.max_series) + " series",
                    std::to_string(f.series), "", f.series >= f.max_series ? "yes" : "", "", "", "",
                    std::string(f.family->name)});
  }
}

// Adds what holds back removed series, and how many records are free: the room that the segment
// has for new series beside what was never used.
void add_removed(reader::Reader& reader, Rows& rows) {
  const reader::HeldBack held = reader::held_back(reader);
  const bool is_disabled = reader::reuse_is_disabled(reader.usage());
  for (const reader::HeldBack::Family& f : held.families) {
    const auto row = [&](std::uint64_t count, const std::string& why) {
      if (count == 0) return;
      rows.push_back(
          {"removed", "held back " + why, std::to_string(count), "", "yes", "", "", "", f.name});
    };
    row(f.of_living, "by " + listed(f.processes));
    row(f.of_several, "in this file: several processes have looked them up");
    row(f.of_all,
        is_disabled ? "in this file: it uses none again" : "by a process that has no slot");
  }
  if (held.free > 0) {
    rows.push_back(
        {"removed", "free to be used again", std::to_string(held.free), "", "", "", "", "", ""});
  }
}

}  // namespace

int dropped(const std::string& path, Format format) {
  reader::Reader reader(segment_at(path));
  if (!reader.look()) return unreadable(reader.why());
  if (format == Format::kJson) {
    print(exposition::dropped_json(reader));
    return kFine;
  }
  Rows rows = {{"WHAT", "REASON", "COUNT", "SINCE", "NOW", "LAST FAMILY", "LAST PID", "LAST TIME",
                "FAMILIES"}};
  add_drops(reader, rows);
  for (const reader::Hidden& h : reader::hidden_families(*reader.catalogue())) {
    const std::string where = h.where_escaped ? ", where names are escaped," : "";
    rows.push_back({"family", "hidden" + where + " by the " + format::described(*h.served), "", "",
                    "yes", format::described(*h.family), "", "", ""});
  }
  add_limits(reader, rows);
  add_removed(reader, rows);
  print_table(std::move(rows));
  return kFine;
}

}  // namespace metrics::inspect
