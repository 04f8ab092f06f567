#include <map>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/exposition/segment_json.h"
#include "aggregator/exposition/utc.h"
#include "libmetrics/reader/family_counts.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/processes.h"
#include "tools/inspect/readings.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {

int slots(const std::string& path, Format format) {
  reader::Reader reader(segment_at(path));
  if (!reader.look()) return unreadable(reader.why());
  const auto counts = reader::family_counts(reader);
  if (counts.empty()) return unreadable(reader.why());
  std::map<format::SlotIndex, double> counted;
  for (const reader::FamilyCounts& c : counts) {
    double& events = counted[c.slot];
    for (const reader::FamilyCounts::Family& f : c.families) {
      if (is_event(reader.catalogue()->contents.families[f.family])) events += f.counted;
    }
  }
  const Processes processes(reader);
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows = {{"SLOT", "KIND", "STATE", "PID", "COMMAND",
                                                 "GENERATION", "CLAIMED", "THREADS", "COUNTED",
                                                 "SINCE CLAIM"}};
  for (const reader::SlotReport& s : processes.slots()) {
    const std::string threads = s.is_lane ? "" : std::to_string(1 + processes.lanes_of(s).size());
    const double events = counted[s.head.slot];
    // What earlier owners have counted is not kept apart.
    const bool is_first = s.head.generation == 1;
    Json entry = exposition::slot_json(s);
    if (!s.is_lane) entry["threads"] = 1 + processes.lanes_of(s).size();
    entry["counted"] = spelled(events);
    if (is_first) entry["counted_since_claim"] = spelled(events);
    json.push_back(std::move(entry));
    rows.push_back({std::to_string(s.head.slot), s.is_lane ? "thread" : "process",
                    std::string(reader::to_string(s.state)), std::to_string(s.head.pid),
                    s.head.command, std::to_string(s.head.generation),
                    exposition::utc(s.head.claimed_ns), threads, spelled(events),
                    is_first ? spelled(events) : ""});
  }
  format == Format::kJson ? print(json) : print_table(std::move(rows));
  return kFine;
}

}  // namespace metrics::inspect
