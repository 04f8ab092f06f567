#include <string>
#include <utility>
#include <vector>

#include "aggregator/exposition/segment_json.h"
#include "aggregator/exposition/utc.h"
#include "libmetrics/reader/reader.h"
#include "libmetrics/reader/slot_report.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {

int ls(const std::string& path, Format format) {
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows = {{"SEGMENT", "MEMORY", "SLOTS", "LIVE", "FAMILIES",
                                                 "SERIES", "CELLS", "DIRECTORY", "CREATED"}};
  int result = kFine;
  for (const std::string& file : segments_at(path)) {
    reader::Reader reader(file);
    if (!reader.look()) {
      json.push_back(exposition::unreadable_segment_json(file, reader.why()));
      result = unreadable(reader.why());
      continue;
    }
    const auto report = reader::slot_report(reader);
    const auto& g = reader.geometry();
    const auto& usage = reader.usage();
    const std::uint64_t memory = usage.space_taken;
    const auto& contents = reader.catalogue()->contents;
    std::string created = exposition::utc(usage.created_ns);
    if (usage.taken_ns != 0) created += ", snapshot of " + exposition::utc(usage.taken_ns);
    json.push_back(exposition::segment_json(reader, report));
    rows.push_back({file, std::to_string(memory / 1024) + "K", std::to_string(report.size()),
                    std::to_string(exposition::live_slots(report)),
                    std::to_string(contents.families.size()),
                    std::to_string(contents.series_records()), percent(usage.cells_used, g.cells),
                    percent(usage.directory_used, g.directory_bytes), created});
  }
  format == Format::kJson ? print(json) : print_table(std::move(rows));
  return result;
}

}  // namespace metrics::inspect
