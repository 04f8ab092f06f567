#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/exposition/segment_json.h"
#include "aggregator/exposition/utc.h"
#include "libmetrics/format/name.h"
#include "libmetrics/reader/reader.h"
#include "libmetrics/reader/slot_report.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {
int ls(const std::string& path, Format format) {
  std::error_code error;
  std::vector<std::string> files;
  std::string directory = path.empty() ? format::segment_variable() : path;
  if (!std::filesystem::is_directory(directory, error)) {
    directory = path.empty()
                    ? std::filesystem::path(format::segment_file(path)).parent_path().native()
                    : "";
  }
  if (!directory.empty()) {
    files = format::segment_files_in(directory);
    if (files.empty()) {
      complain("there are no segments in " + directory + " (yet)");
    }
  } else {
    files = {format::segment_file(path)};
  }
  Json json = Json::array();
  std::vector<std::vector<std::string>> rows = {{"SEGMENT", "MEMORY", "SLOTS", "LIVE", "FAMILIES",
                                                 "SERIES", "CELLS", "DIRECTORY", "CREATED"}};
  int result = kFine;
  for (const std::string& file : files) {
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
    json.push_back(exposition::segment_json(reader, report));
    rows.push_back(
        {file, std::to_string(memory / 1024) + "K", std::to_string(report.size()),
         std::to_string(exposition::live_slots(report)), std::to_string(contents.families.size()),
         std::to_string(contents.series_records()), percent(usage.cells_used, g.cells),
         percent(usage.directory_used, g.directory_bytes), exposition::utc(usage.created_ns)});
  }
  format == Format::kJson ? print(json) : print_table(std::move(rows));
  return result;
}

}  // namespace metrics::inspect
