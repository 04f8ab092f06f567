#include <string>
#include <utility>
#include <vector>

#include "aggregator/exposition/segment_json.h"
#include "aggregator/exposition/utc.h"
#include "libmetrics/reader/reader.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {

int ls(const std::string& path, Counting counting, Format format) {
  const bool counts = counting == Counting::kSeries;
  Json json = Json::array();
  std::vector<std::string> heading = {"SEGMENT", "MEMORY", "SLOTS", "LIVE"};
  if (counts) heading.insert(heading.end(), {"FAMILIES", "SERIES"});
  heading.insert(heading.end(), {"CELLS", "DIRECTORY", "CREATED"});
  std::vector<std::vector<std::string>> rows = {std::move(heading)};
  int result = kFine;
  for (const std::string& file : segments_at(path)) {
    reader::Reader reader(file);
    if (!(counts ? reader.look() : reader.look_at_header())) {
      json.push_back(exposition::unreadable_segment_json(file, reader.why()));
      result = unreadable(reader.why());
      continue;
    }
    const auto& g = reader.geometry();
    const auto& usage = reader.usage();
    Json& entry = json.emplace_back(exposition::segment_json(reader));
    std::string created = exposition::utc(usage.created_ns);
    if (usage.taken_ns != 0) created += ", snapshot of " + exposition::utc(usage.taken_ns);
    std::vector<std::string>& row = rows.emplace_back();
    row = {file, std::to_string(usage.space_taken / 1024) + "K", entry["slots_used"].dump(),
           entry["slots_live"].dump()};
    if (counts) row.insert(row.end(), {entry["families"].dump(), entry["series"].dump()});
    row.insert(row.end(), {percent(usage.cells_used, g.cells),
                           percent(usage.directory_used, g.directory_bytes), created});
  }
  if (format == Format::kJson) {
    print(json);
  } else if (rows.size() > 1) {  // no heading of nothing
    print_table(std::move(rows));
  }
  return result;
}

}  // namespace metrics::inspect
