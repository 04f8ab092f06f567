#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "libmetrics/format/name.h"
#include "libmetrics/reader/family_counts.h"
#include "libmetrics/reader/merge.h"
#include "tools/inspect/answer.h"
#include "tools/inspect/commands.h"
#include "tools/inspect/definitions.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/processes.h"
#include "tools/inspect/selector.h"

namespace metrics::inspect {
namespace {

// Returns what the text selects. A name may have any characters, if it is one that is there.
Selector selector_of(const reader::Catalogue& catalogue, const std::string& text) {
  Selector exact{.name = text, .is_glob = false, .labels = {}};
  return definitions_of(catalogue, exact).empty() ? parse_selector(text) : exact;
}

// Returns the other segments in the directory of that one in which the selector names something.
std::vector<std::string> others_with(const Selector& selector, const std::string& file) {
  std::vector<std::string> found;
  const std::string directory = file.substr(0, file.rfind('/') + 1);
  for (const std::string& other : format::segment_files_in(directory)) {
    reader::Reader reader(other);
    if (other == file || !reader.look()) continue;
    if (!definitions_of(*reader.catalogue(), selector).empty()) found.push_back(other);
  }
  return found;
}

// Returns the definitions by the family that they are: those of one name for a pattern, which may
// name many; all together for a name, which may be a family's and a sample's of another one.
std::vector<std::pair<std::string, std::vector<std::size_t>>> by_family(
    const reader::Catalogue& catalogue, const Selector& selector, const std::string& text) {
  const std::vector<std::size_t> named = definitions_of(catalogue, selector);
  if (!selector.is_pattern() || named.empty()) return {{text, named}};
  std::vector<std::pair<std::string, std::vector<std::size_t>>> families;
  for (const format::Group& group : catalogue.groups) {
    std::vector<std::size_t> definitions;
    for (const std::size_t at : group.editions) {
      if (std::find(named.begin(), named.end(), at) != named.end()) definitions.push_back(at);
    }
    if (definitions.empty()) continue;
    families.emplace_back(catalogue.contents.families[group.last].name, std::move(definitions));
  }
  return families;
}

// Returns one answer about a name, and a list of them about a pattern.
Json json_of(const std::vector<Answer>& answers, const Selector& selector, const std::string& text,
             const std::string& file) {
  if (!selector.is_pattern()) return answers.front().json();
  Json json = {{"name", text}, {"segment", file}, {"families", Json::array()}};
  for (const Answer& answer : answers) json["families"].push_back(answer.json());
  return json;
}

}  // namespace

int why(const std::string& path, const std::string& name, Format format) {
  reader::SegmentMerge merge(segment_at(path));
  if (!merge.read()) return unreadable(merge.why());
  reader::Reader& reader = merge.reader();
  const auto catalogue = reader.catalogue();
  const Selector selector = selector_of(*catalogue, name);
  const auto counts = reader::family_counts(reader);
  if (counts.empty()) return unreadable(reader.why());
  const std::vector<Process> processes = Processes(reader).counted(*catalogue, counts);
  const Evidence evidence{merge.families(), reader, *catalogue, counts, processes};
  std::vector<Answer> answers;
  for (auto& [family, definitions] : by_family(*catalogue, selector, name)) {
    answers.emplace_back(evidence, selector, family, std::move(definitions));
  }
  Json json = json_of(answers, selector, name, reader.file());
  std::vector<std::string> lines;
  for (const Answer& answer : answers) {
    lines.insert(lines.end(), answer.lines().begin(), answer.lines().end());
  }
  if (definitions_of(*catalogue, selector).empty()) {
    lines.back() += similar_name(*catalogue, selector);
    json["other_segments"] = others_with(selector, reader.file());
    for (const Json& file : json["other_segments"]) {
      lines.push_back("  another segment has it: " + file.get<std::string>());
    }
  }
  if (format == Format::kJson) {
    print(json);
  } else {
    for (const std::string& line : lines) print_line(line);
  }
  const bool all = std::all_of(answers.begin(), answers.end(),
                               [](const Answer& answer) { return answer.is_shown(); });
  return all ? kFine : kFault;
}

}  // namespace metrics::inspect
