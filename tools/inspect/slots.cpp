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
  const auto catalogue = reader.catalogue();
  std::map<format::SlotIndex, double> counted;
  std::map<format::SlotIndex, reader::SlotCount> sums;
  for (const reader::FamilyCounts& c : counts) {
    sums[c.slot] = reader::sum_of(*catalogue, c);
    double& events = counted[c.slot];
    for (const reader::FamilyCounts::Family& f : c.families) {
      if (is_event(catalogue->contents.families[f.family])) events += f.counted;
    }
  }
  const Processes processes(reader);
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows = {{"SLOT", "KIND", "STATE", "PID", "COMMAND",
                                                 "GENERATION", "CLAIMED", "THREADS", "COUNTED",
                                                 "SINCE CLAIM", "DROPPED"}};
  for (const reader::SlotReport& s : processes.slots()) {
    json.push_back(exposition::slot_json(s, sums[s.head.slot]));
    const double events = counted[s.head.slot];
    rows.push_back({std::to_string(s.head.slot), s.is_lane ? "thread" : "process",
                    std::string(reader::to_string(s.state)), std::to_string(s.head.pid),
                    s.head.command, std::to_string(s.head.generation),
                    exposition::utc(s.head.claimed_ns), s.is_lane ? "" : std::to_string(s.threads),
                    spelled(events), reader::is_first_owner(s) ? spelled(events) : "",
                    s.is_lane ? "" : std::to_string(s.head.dropped)});
  }
  format == Format::kJson ? print(json) : print_table(std::move(rows));
  return kFine;
}

}  // namespace metrics::inspect
