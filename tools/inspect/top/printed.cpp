// What top prints without a terminal: a table for each interval, or a line of JSON.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/exposition/utc.h"
#include "libmetrics/format/printable.h"
#include "libmetrics/format/types.h"
#include "tools/inspect/readings.h"
#include "tools/inspect/top/columns.h"
#include "tools/inspect/top/heading.h"
#include "tools/inspect/top/view.h"

namespace metrics::inspect::top {
namespace {

using exposition::Json;

void put(Json& to, const char* key, double value) {
  if (std::isfinite(value)) to[key] = value;
}

void put_rate(Json& to, const Rate& rate) {
  put(to, "per_second", rate.now);
  put(to, "average_10s", rate.over_10);
  put(to, "average_100s", rate.over_100);
}

Json series_json(const Picture& now, const SeriesRow& row) {
  const reader::Family& f = now.families.families[row.family];
  Json labels = Json::object();
  for (const reader::Label& l : f.series[row.series].labels) labels[l.name] = l.value;
  Json json = {{"family", f.name},
               {"type", format::to_string(row.type)},
               {"labels", std::move(labels)},
               {"value", row.value_text}};
  put_rate(json, row.rate);
  put(json, "p50", row.p50);
  put(json, "p99", row.p99);
  return json;
}

Json worker_json(const WorkerRow& row) {
  Json json = {{"slot", row.slot},
               {"pid", row.pid},
               {"command", row.command},
               {"state", row.state},
               {"generation", row.generation},
               {"claimed", exposition::utc(row.claimed_ns)},
               {"threads", row.threads},
               {"events", spelled(row.events)},
               {"seconds_since_change", row.quiet_for},
               {"has_changed", row.has_moved},
               {"dropped", row.dropped},
               {"refused", row.refused},
               {"families", row.families}};
  put_rate(json, row.rate);
  return json;
}

}  // namespace

std::vector<std::string> lines_of(const History& history, const Choices& choices) {
  std::vector<std::string> lines;
  for (const Line& line : {title(history, choices, 0), summary(history, 0)}) {
    std::string text;
    for (const Span& span : line) text += span.text;
    lines.push_back(std::move(text));
  }
  const auto& workers = history.workers();
  if (choices.page == Page::kWorkers &&
      std::any_of(workers.begin(), workers.end(), [](const auto& w) { return !w.has_moved; })) {
    lines.back() += "  '>': unchanged all the time; a longer --interval looks longer";
  }
  Table table = table_of(history, choices, 0);
  std::vector<std::vector<std::string>> rows = {table.headings()};
  for (Row& row : table.rows) rows.push_back(std::move(row.cells));
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    std::size_t widest = 0;
    for (const auto& row : rows) widest = std::max(widest, columns_of(row[i]));
    table.columns[i].width = widest;
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const Table::Column& c = table.columns[i];
      line.append(i == 0 ? "" : " ").append(fitted(row[i], c.width, c.to_the_right));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
  return lines;
}

exposition::Json json_of(const History& history, const Choices& choices) {
  const Picture& now = history.latest();
  Json json = {{"time", exposition::utc(now.wall_ns)},
               {"segment", now.file},
               {"interval_seconds", history.interval()}};
  if (!now.why.empty()) {
    json["error"] = now.why;
    return json;
  }
  if (now.taken_ns != 0) json["taken"] = exposition::utc(now.taken_ns);
  json["read_seconds"] = now.read_seconds;
  json["dropped"] = dropped(now);
  json["hidden"] = now.hidden;
  // The filter is of the page.
  const auto shows = [&](Page page, const std::string& name) {
    return page != choices.page || choices.filter.shows(name);
  };
  json["series"] = Json::array();
  for (const SeriesRow& row : history.series()) {
    if (shows(Page::kSeries, row.name)) json["series"].push_back(series_json(now, row));
  }
  json["workers"] = Json::array();
  for (const WorkerRow& row : history.workers()) {
    if (shows(Page::kWorkers, filtered_name(row))) json["workers"].push_back(worker_json(row));
  }
  json["space"] = {{"memory_bytes", now.memory_bytes},
                   {"cells_used", now.cells_used},
                   {"cells_capacity", now.cells},
                   {"directory_used_bytes", now.directory_used},
                   {"directory_capacity_bytes", now.directory},
                   {"families", Json::array()}};
  for (const SpaceOf& s : now.space) {
    if (shows(Page::kSpace, format::printable(s.family))) {
      json["space"]["families"].push_back(s.json);
    }
  }
  return json;
}

}  // namespace metrics::inspect::top
