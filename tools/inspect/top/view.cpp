#include "tools/inspect/top/view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "aggregator/exposition/segment_json.h"
#include "aggregator/exposition/utc.h"
#include "libmetrics/format/printable.h"
#include "libmetrics/format/types.h"
#include "tools/inspect/readings.h"
#include "tools/inspect/selector.h"
#include "tools/inspect/table.h"
#include "tools/inspect/top/columns.h"

namespace metrics::inspect::top {
namespace {

constexpr std::array<const char*, 7> kSortNames = {"name",   "value", "rate", "avg10",
                                                   "avg100", "p50",   "p99"};
constexpr std::array<const char*, 3> kPageNames = {"series", "workers", "space"};
constexpr std::size_t kPaneLines = 5, kHeadLines = 4;

std::size_t live(const History& history) {
  const auto& workers = history.workers();
  return static_cast<std::size_t>(std::count_if(
      workers.begin(), workers.end(), [](const WorkerRow& w) { return w.state == "live"; }));
}

std::uint64_t dropped(const Picture& now) {
  std::uint64_t sum = 0;
  for (const reader::DropReport& d : now.drops) sum += d.count;
  return sum;
}

Line title(const History& history, const Choices& choices) {
  const Picture& now = history.latest();
  Line line = {{format::printable(now.file), Style::kBold},
               {"  " + exposition::utc(now.wall_ns)},
               {"  every " + quantity(choices.interval, Unit::kSeconds)}};
  if (now.taken_ns != 0) line.push_back({"  snapshot of " + exposition::utc(now.taken_ns)});
  // First: a long path leaves little room behind it.
  if (choices.is_paused) line.insert(line.begin(), {"PAUSED  ", Style::kAlert});
  return line;
}

Line summary(const History& history) {
  const Picture& now = history.latest();
  if (!now.why.empty()) {
    // The file is named in the line above; at its place here is the reason.
    const bool names_file = now.why.starts_with(now.file + ' ');
    const std::string why = names_file ? now.why.substr(now.file.size() + 1) : now.why;
    return {{format::printable(why), Style::kAlert}};
  }
  const std::uint64_t drops = dropped(now);
  Line line = {
      {"live " + std::to_string(live(history)) + '/' + std::to_string(history.workers().size()) +
       "  series " + std::to_string(history.series().size()) + "  cells " +
       percent(now.cells_used, now.cells) + "  directory " +
       percent(now.directory_used, now.directory) + "  memory " +
       quantity(static_cast<double>(now.memory_bytes), Unit::kBytes) + "  "},
      {"dropped " + std::to_string(drops), drops > 0 ? Style::kAlert : Style::kPlain}};
  if (!now.hidden.empty()) {
    line.push_back({"  hidden " + std::to_string(now.hidden.size()), Style::kAlert});
  }
  line.push_back({"  read " + quantity(now.read_seconds, Unit::kSeconds), Style::kDim});
  return line;
}

Line state(const Choices& choices) {
  if (choices.is_typing) {
    if (!choices.fault.empty()) return {{format::printable(choices.fault), Style::kAlert}};
    return {{"filter: " + format::printable(choices.typed), Style::kBold},
            {"_  (text, *pattern*, or ~regex; Enter, Esc)", Style::kDim}};
  }
  Line line;
  for (std::size_t i = 0; i < kPageNames.size(); ++i) {
    const bool is_shown = static_cast<std::size_t>(choices.page) == i;
    line.push_back({' ' + std::to_string(i + 1) + ' ' + kPageNames[i] + ' ',
                    is_shown ? Style::kChosen : Style::kPlain});
  }
  std::string text =
      choices.page == Page::kSpace
          ? "  by bytes"
          : std::string("  by ") + kSortNames[static_cast<std::size_t>(choices.sort)];
  if (choices.is_reversed) text += " reversed";
  if (choices.hides_rest) text += "  moving only";
  if (choices.is_exact) text += "  exact";
  line.push_back({std::move(text)});
  if (!choices.filter.text().empty()) {
    line.push_back({"  /" + format::printable(choices.filter.text()), Style::kBold});
  }
  return line;
}

std::string in_columns(const Table& table, const std::vector<std::string>& cells,
                       std::size_t width) {
  std::size_t fixed = table.columns.size() - 1;
  for (const Table::Column& c : table.columns) fixed += c.width;
  const std::size_t rest = width > fixed ? width - fixed : 0;
  std::string line;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Table::Column& c = table.columns[i];
    if (i > 0) line += ' ';
    line += fitted(cells[i], c.width == 0 ? rest : c.width, c.to_the_right);
  }
  return line;
}

std::vector<std::string> headings(const Table& table) {
  std::vector<std::string> cells;
  for (const Table::Column& c : table.columns) cells.push_back(c.heading);
  return cells;
}

// Cuts the line, or fills it up, to the width.
Line filled(Line line, std::size_t width) {
  std::size_t used = 0;
  for (Span& span : line) {
    const std::size_t columns = columns_of(span.text);
    if (used + columns > width) span.text = fitted(span.text, width - used);
    used = std::min(used + columns, width);
  }
  if (used < width) line.push_back({std::string(width - used, ' ')});
  return line;
}

constexpr const char* kHelp[] = {
    "  Tab, 1 2 3     pages: series, workers, space       q, F10      quit",
    "  arrows, j k    the row; PgUp PgDn, Home g, End G   ?, h, F1    this help",
    "  Enter, i       more about the row, with its HELP   space, p    pause",
    "  /, F4          filter: text, a pattern with * ? [ ], or ~ and a regex; Esc clears it",
    "  s S, > <, F6   sort by the next, the previous      r, I        reverse",
    "  d              only what moves                     e           exact numbers",
    "  + -            interval: twice, half               c           averages from now on",
    "",
    "  PER S is the last interval's; AVG10 and AVG100 weigh the last 10 and 100 seconds. P50 and",
    "  P99 are of what was observed in the last interval. Of a histogram VALUE and PER S count",
    "  observations. ACTIVE: how long ago anything of that worker has changed."};

void add_help(Frame& frame) {
  frame.push_back({});
  for (const char* line : kHelp) frame.push_back({{line}});
}

// Keeps the cursor among the rows; returns the first row that is shown.
std::size_t first_shown(Choices& choices, std::size_t rows, std::size_t room) {
  choices.cursor = std::min(choices.cursor, rows == 0 ? 0 : rows - 1);
  if (room == 0) return 0;
  return choices.cursor / room * room;
}

void add_rows(const Table& table, Choices& choices, std::size_t width, std::size_t room,
              Frame& frame) {
  const std::size_t first = first_shown(choices, table.rows.size(), room);
  for (std::size_t i = first; i < std::min(first + room, table.rows.size()); ++i) {
    const Row& row = table.rows[i];
    frame.push_back(
        {{in_columns(table, row.cells, width), i == choices.cursor ? Style::kChosen : row.style}});
  }
}

}  // namespace

std::vector<std::string> page_names() { return {kPageNames.begin(), kPageNames.end()}; }
std::vector<std::string> sort_names() { return {kSortNames.begin(), kSortNames.end()}; }

Filter::Filter(std::string text) : text_(std::move(text)) {
  if (text_.starts_with('~')) {
    is_shown_ = [pattern = parse_regex(text_.substr(1))](const std::string& name) {
      return matches_part(*pattern, name);
    };
  } else if (has_wildcard(text_)) {
    // The pattern is one of the family, or of all of the name.
    is_shown_ = [pattern = text_](const std::string& name) {
      return matches_glob(pattern, name) || matches_glob(pattern, name.substr(0, name.find('{')));
    };
  } else {
    is_shown_ = [part = text_](const std::string& name) {
      return name.find(part) != std::string::npos;
    };
  }
}

Frame frame_of(const History& history, Choices& choices, std::size_t width, std::size_t height) {
  Frame frame = {title(history, choices), summary(history), state(choices)};
  if (choices.shows_help) {
    add_help(frame);
  } else {
    const Table table = table_of(history, choices, width);
    frame.push_back({{in_columns(table, headings(table), width), Style::kHeading}});
    const std::size_t pane = choices.shows_pane ? std::min(kPaneLines, height / 3) : 0;
    const std::size_t room = height > kHeadLines + pane ? height - kHeadLines - pane : 0;
    add_rows(table, choices, width, room, frame);
    frame.resize(std::max(frame.size(), kHeadLines + room));
    if (pane > 0) {
      frame.push_back({{std::string(width, '-'), Style::kDim}});
      if (!table.rows.empty()) {
        for (const std::string& text : table.rows[choices.cursor].pane) frame.push_back({{text}});
      }
    }
  }
  frame.resize(height);
  for (Line& line : frame) line = filled(std::move(line), width);
  return frame;
}

std::vector<std::string> lines_of(const History& history, const Choices& choices) {
  std::vector<std::string> lines;
  for (const Line& line : {title(history, choices), summary(history)}) {
    std::string text;
    for (const Span& span : line) text += span.text;
    lines.push_back(std::move(text));
  }
  Table table = table_of(history, choices, 0);
  std::vector<std::vector<std::string>> rows = {headings(table)};
  for (Row& row : table.rows) rows.push_back(std::move(row.cells));
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    std::size_t widest = 0;
    for (const auto& row : rows) widest = std::max(widest, columns_of(row[i]));
    table.columns[i].width = widest;
  }
  for (const auto& row : rows) {
    std::string line = in_columns(table, row, 0);
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
  return lines;
}

exposition::Json json_of(const History& history, const Choices& choices) {
  using exposition::Json;
  const Picture& now = history.latest();
  Json json = {{"time", exposition::utc(now.wall_ns)},
               {"segment", now.file},
               {"interval_seconds", history.interval()}};
  if (!now.why.empty()) {
    json["error"] = now.why;
    return json;
  }
  const auto put = [](Json& to, const char* key, double value) {
    if (std::isfinite(value)) to[key] = value;
  };
  const auto put_rate = [&](Json& to, const Rate& rate) {
    put(to, "per_second", rate.now);
    put(to, "average_10s", rate.over_10);
    put(to, "average_100s", rate.over_100);
  };
  json["dropped"] = dropped(now);
  json["hidden"] = now.hidden;
  json["series"] = Json::array();
  for (const SeriesRow& row : history.series()) {
    if (!choices.filter.shows(row.name)) continue;
    const reader::Family& f = now.families.families[row.family];
    Json labels = Json::object();
    for (const reader::Label& l : f.series[row.series].labels) labels[l.name] = l.value;
    Json entry = {{"family", f.name},
                  {"type", format::to_string(row.type)},
                  {"labels", std::move(labels)},
                  {"value", row.value_text}};
    put_rate(entry, row.rate);
    put(entry, "p50", row.p50);
    put(entry, "p99", row.p99);
    json["series"].push_back(std::move(entry));
  }
  json["workers"] = Json::array();
  for (const WorkerRow& row : history.workers()) {
    Json entry = {{"slot", row.slot},   {"pid", row.pid},         {"command", row.command},
                  {"state", row.state}, {"threads", row.threads}, {"events", spelled(row.events)}};
    put_rate(entry, row.rate);
    entry["seconds_since_change"] = row.quiet_for;
    entry["has_changed"] = row.has_moved;
    entry["dropped"] = row.dropped;
    json["workers"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace metrics::inspect::top
