#include <string>
#include <utility>
#include <vector>

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
    const std::string kind = s.is_lane ? "thread" : "process";
    const std::string state(reader::to_string(s.state));
    json.push_back({{"slot", s.head.slot},
                    {"kind", kind},
                    {"state", state},
                    {"pid", s.head.pid},
                    {"pid_namespace", s.head.pid_namespace},
                    {"command", s.head.command},
                    {"generation", s.head.generation},
                    {"claimed", utc(s.head.claimed_ns)}});
    rows.push_back({std::to_string(s.head.slot), kind, state, std::to_string(s.head.pid),
                    s.head.command, std::to_string(s.head.generation), utc(s.head.claimed_ns)});
  }
  format == Format::kJson ? print(json) : print_table(std::move(rows));
  return kFine;
}

}  // namespace metrics::inspect
