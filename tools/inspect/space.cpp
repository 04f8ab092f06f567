#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/exposition/json.h"
#include "libmetrics/format/types.h"
#include "libmetrics/reader/space_report.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/processes.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {
namespace {

using reader::FamilySpace;

std::uint64_t bytes_of(const FamilySpace& space) {
  return space.directory_bytes + space.slot_bytes;
}

}  // namespace

int space(const std::string& path, Format format) {
  reader::Reader reader(segment_at(path));
  if (!reader.look()) return unreadable(reader.why());
  std::vector<FamilySpace> spaces = reader::space_report(reader);
  std::stable_sort(spaces.begin(), spaces.end(), [](const FamilySpace& a, const FamilySpace& b) {
    return bytes_of(a) > bytes_of(b);
  });
  const Processes processes(reader);
  const format::Geometry& g = reader.geometry();
  const reader::Usage& usage = reader.usage();
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows = {{"FAMILY", "TYPE", "SERIES", "REMOVED", "CELLS",
                                                 "OF ALL", "BYTES", "OF ALL", "REGISTERED BY",
                                                 "LOOKED UP BY"}};
  for (const FamilySpace& s : spaces) {
    const std::string name(s.family == nullptr ? "" : s.family->name);
    const std::string type(s.family == nullptr ? "" : format::to_string(s.family->type));
    const std::vector<reader::HeadCopy> by = processes.owners(s.looked_up_by);
    json.push_back(space_json(s, processes));
    std::string who = listed(by);
    if (s.by_several) who += who.empty() ? "several" : ", and several together";
    rows.push_back({s.family == nullptr ? "(no family any more)" : name, type,
                    std::to_string(s.live), std::to_string(s.removed), std::to_string(s.cells),
                    percent(s.cells, g.cells), std::to_string(bytes_of(s)),
                    percent(bytes_of(s), usage.space_taken), processes.registrants(s), who});
  }
  if (format == Format::kJson) {
    print(Json{{"segment", reader.file()},
               {"memory_bytes", usage.space_taken},
               {"fixed_bytes", g.directory},
               {"cells_used", usage.cells_used},
               {"cells_capacity", g.cells},
               {"directory_used_bytes", usage.directory_used},
               {"directory_capacity_bytes", g.directory_bytes},
               {"families", std::move(json)}});
    return kFine;
  }
  print_table(std::move(rows));
  print_line("all: " + std::to_string(usage.cells_used) + " of " + std::to_string(g.cells) +
             " cells (" + percent(usage.cells_used, g.cells) + "), " +
             std::to_string(usage.directory_used) + " of " + std::to_string(g.directory_bytes) +
             " bytes of the directory (" + percent(usage.directory_used, g.directory_bytes) +
             "); the file takes " + std::to_string(usage.space_taken) + " bytes");
  return kFine;
}

}  // namespace metrics::inspect
