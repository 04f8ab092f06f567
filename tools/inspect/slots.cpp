#include <string>
#include <utility>
#include <vector>

#include "aggregator/exposition/segment_json.h"
#include "aggregator/exposition/utc.h"
#include "libmetrics/reader/slot_report.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {

int slots(const std::string& path, Format format) {
  reader::Reader reader(segment_at(path));
  if (!reader.look()) return unreadable(reader.why());
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows = {
      {"SLOT", "KIND", "STATE", "PID", "COMMAND", "GENERATION", "CLAIMED"}};
  for (const reader::SlotReport& s : reader::slot_report(reader)) {
    json.push_back(exposition::slot_json(s));
    rows.push_back({std::to_string(s.head.slot), s.is_lane ? "thread" : "process",
                    std::string(reader::to_string(s.state)), std::to_string(s.head.pid),
                    s.head.command, std::to_string(s.head.generation),
                    exposition::utc(s.head.claimed_ns)});
  }
  format == Format::kJson ? print(json) : print_table(std::move(rows));
  return kFine;
}

}  // namespace metrics::inspect
