#include "libmetrics/reader/dropped.h"

#include <string>
#include <utility>
#include <vector>

#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/table.h"

namespace metrics::inspect {
namespace {

const char* what(format::Dropped kind) {
  switch (kind) {
    case format::Dropped::kUpdate:
      return "update";
    case format::Dropped::kSeries:
      return "series";
    case format::Dropped::kClaim:
      break;
  }
  return "slot";
}

}  // namespace

int dropped(const std::string& path, Format format) {
  reader::Reader reader(segment_at(path));
  if (!reader.look()) return unreadable(reader.why());
  Json json = {{"dropped", Json::array()}, {"hidden", Json::array()}};
  std::vector<std::vector<std::string>> rows = {
      {"WHAT", "REASON", "COUNT", "NOW", "LAST FAMILY", "LAST PID", "LAST TIME", "FAMILIES"}};
  for (const reader::DropReport& d : reader::drop_report(reader)) {
    if (d.count == 0) continue;
    const bool known = d.last.when_ns != 0;
    const auto families = reader::refused_families(reader, d.reason.drop);
    Json entry = {{"what", what(d.reason.what)},
                  {"reason", d.reason.reason},
                  {"count", d.count},
                  {"now", d.now},
                  {"families", families}};
    if (known) {
      entry["last"] = {
          {"family", d.last.family}, {"pid", d.last.pid}, {"time", utc(d.last.when_ns)}};
    }
    json["dropped"].push_back(std::move(entry));
    std::string names;
    for (const std::string_view name : families)
      names.append(names.empty() ? "" : " ").append(name);
    rows.push_back({what(d.reason.what), std::string(d.reason.reason), std::to_string(d.count),
                    d.now ? "yes" : "", d.last.family, known ? std::to_string(d.last.pid) : "",
                    known ? utc(d.last.when_ns) : "", names});
  }
  for (const reader::Hidden& h : reader::hidden_families(*reader.catalogue())) {
    json["hidden"].push_back(
        {{"family", format::described(*h.family)}, {"served", format::described(*h.served)}});
    rows.push_back({"family", "hidden by the " + format::described(*h.served), "", "yes",
                    format::described(*h.family), "", "", ""});
  }
  format == Format::kJson ? print(json) : print_table(std::move(rows));
  return kFine;
}

}  // namespace metrics::inspect
