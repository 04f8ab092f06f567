#include "tools/inspect/table.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "aggregator/exposition/utc.h"
#include "libmetrics/format/printable.h"
#include "libmetrics/format/types.h"
#include "tools/inspect/readings.h"
#include "tools/inspect/top/columns.h"
#include "tools/inspect/top/view.h"

namespace metrics::inspect::top {
namespace {

// From these widths on there is room for columns that matter less. 0 is any width.
bool has_room(std::size_t width, std::size_t least) { return width == 0 || width >= least; }
constexpr std::size_t kAllColumns = 120;

std::string amount(double value, Unit unit, const Choices& choices) {
  if (std::isnan(value)) return "";
  return choices.is_exact ? spelled(value) : quantity(value, unit);
}

Unit unit_of_rate(const SeriesRow& row) {
  if (format::values_of(row.type) == format::Values::kCounts) return Unit::kNone;
  return rate_unit(row.unit);
}

std::string rates_of(const Rate& rate, Unit unit) {
  if (std::isnan(rate.now)) return "";
  return "per second " + quantity(rate.now, unit) + ", average of 10 s " +
         quantity(rate.over_10, unit) + ", of 100 s " + quantity(rate.over_100, unit);
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : " ").append(word);
  return text;
}

double sort_value(const SeriesRow& row, Sort sort) {
  switch (sort) {
    case Sort::kName:
      break;
    case Sort::kValue:
      return row.value;
    case Sort::kRate:
      return row.rate.now;
    case Sort::kOver10:
      return row.rate.over_10;
    case Sort::kOver100:
      return row.rate.over_100;
    case Sort::kP50:
      return row.p50;
    case Sort::kP99:
      return row.p99;
  }
  return kNoNumber;
}

double sort_value(const WorkerRow& row, Sort sort) {
  switch (sort) {
    case Sort::kValue:
      return row.events;
    case Sort::kOver10:
      return row.rate.over_10;
    case Sort::kOver100:
      return row.rate.over_100;
    case Sort::kName:
      return kNoNumber;
    default:
      return row.rate.now;
  }
}

// Sorts what has the largest numbers first, and then what has none; else stays in order.
template <class RowType>
std::vector<const RowType*> sorted(const std::vector<RowType>& rows, const Choices& choices) {
  std::vector<const RowType*> order;
  for (const RowType& row : rows) order.push_back(&row);
  const auto key = [&](const RowType* row) {
    const double value = sort_value(*row, choices.sort);
    return std::isnan(value) ? -HUGE_VAL : value;
  };
  if (choices.sort != Sort::kName) {
    std::stable_sort(order.begin(), order.end(),
                     [&](const RowType* a, const RowType* b) { return key(a) > key(b); });
  }
  if (choices.is_reversed) std::reverse(order.begin(), order.end());
  return order;
}

std::vector<std::string> pane_of(const Picture& now, const SeriesRow& row) {
  const reader::Family& f = now.families.families[row.family];
  std::string type(format::to_string(f.type));
  if (!f.unit.empty()) type += ", unit " + f.unit;
  if (f.native) type += ", native buckets of schema " + std::to_string(f.native->schema);
  std::vector<std::string> lines = {row.name, type + ": " + f.help, "value " + row.value_text};
  if (format::values_of(f.type) == format::Values::kCounts) {
    lines.back() = "observed " + row.value_text + ", sum " +
                   spelled(now.families.sum(f, f.series[row.series]));
  }
  std::string labels;
  for (const reader::Label& l : f.series[row.series].labels) {
    labels += (labels.empty() ? "" : "  ") + l.name + ": " + l.value;
  }
  lines.push_back(labels.empty() ? "no labels" : labels);
  if (const std::string rates = rates_of(row.rate, unit_of_rate(row)); !rates.empty()) {
    lines.push_back(rates);
  }
  for (std::string& line : lines) line = format::printable(line);
  return lines;
}

Table series_table(const History& history, const Choices& choices, std::size_t width) {
  const bool has_100 = has_room(width, 88), has_type = has_room(width, 100);
  const bool is_wide = has_room(width, kAllColumns);
  Table table;
  table.columns = {{"SERIES", 0, false}};
  if (has_type) table.columns.push_back({"TYPE", 9, false});
  const std::size_t number = is_wide ? 10 : 7;
  const std::size_t value_width = is_wide ? 16 : 10;
  table.columns.push_back({"VALUE", value_width, true});
  for (const char* heading : {"PER S", "AVG10", "AVG100", "P50", "P99"}) {
    if (has_100 || heading != std::string_view("AVG100")) {
      table.columns.push_back({heading, number, true});
    }
  }
  for (const SeriesRow* row : sorted(history.series(), choices)) {
    if (!choices.filter.shows(row->name)) continue;
    if (choices.hides_rest && !(row->rate.now > 0)) continue;
    Row line;
    line.cells = {row->name};
    if (has_type) line.cells.emplace_back(format::to_string(row->type));
    const Unit rate = unit_of_rate(*row);
    // A value that fits is shown to its last digit.
    const bool fits = row->value_text.size() <= value_width;
    const bool counts = format::values_of(row->type) == format::Values::kCounts;
    line.cells.push_back(fits || width == 0
                             ? row->value_text
                             : quantity(row->value, counts ? Unit::kNone : row->unit));
    line.cells.push_back(amount(row->rate.now, rate, choices));
    line.cells.push_back(amount(row->rate.over_10, rate, choices));
    if (has_100) line.cells.push_back(amount(row->rate.over_100, rate, choices));
    line.cells.push_back(amount(row->p50, row->unit, choices));
    line.cells.push_back(amount(row->p99, row->unit, choices));
    if (row->rate.now == 0) line.style = Style::kDim;
    if (width != 0) line.pane = pane_of(history.last_read(), *row);
    table.rows.push_back(std::move(line));
  }
  return table;
}

std::string activity(const WorkerRow& row) {
  if (row.has_moved && row.quiet_for < 0.05) return "now";
  return (row.has_moved ? "" : ">") + quantity(std::round(row.quiet_for * 10) / 10, Unit::kSeconds);
}

// A worker's columns that are made of several words.
struct Words {
  std::vector<std::string> families, refused;
};

Words words_of(const WorkerRow& row) {
  Words words{{}, row.refused};
  for (const std::string& name : row.families) words.families.push_back(format::printable(name));
  return words;
}

std::vector<std::string> pane_of(const WorkerRow& row, const Words& words) {
  return {"process " + std::to_string(row.pid) + ' ' + row.command + ", slot " +
              std::to_string(row.slot) + ", owner " + std::to_string(row.generation) +
              " of it, since " + exposition::utc(row.claimed_ns),
          "events " + spelled(row.events) +
              " (counters without a unit, and observations, with those of earlier owners) " +
              rates_of(row.rate, Unit::kNone),
          "dropped " + std::to_string(row.dropped) + ", refused last: " +
              (words.refused.empty() ? "nothing that is remembered" : joined(words.refused)),
          "families: " + joined(words.families)};
}

Table workers_table(const History& history, const Choices& choices, std::size_t width) {
  const bool has_10 = has_room(width, 88), has_100 = has_room(width, 96);
  const bool has_all = has_room(width, kAllColumns);
  constexpr std::size_t kReason = 18;  // the longest one
  Table table;
  table.columns = {{"PID", 7, true}, {"COMMAND", 15, false}, {"STATE", 5, false}, {"THR", 3, true}};
  if (has_all) table.columns.push_back({"EVENTS", 9, true});
  table.columns.push_back({"PER S", 7, true});
  if (has_10) table.columns.push_back({"AVG10", 7, true});
  if (has_100) table.columns.push_back({"AVG100", 7, true});
  table.columns.push_back({"ACTIVE", 6, true});
  table.columns.push_back({"DROPS", 5, true});
  if (!has_all) table.columns.push_back({"FAM", 3, true});
  table.columns.push_back({"REFUSED", has_all ? kReason : 0, false});
  if (has_all) table.columns.push_back({"FAMILIES", 0, false});
  const auto listed = [&](const std::vector<std::string>& words, std::size_t columns) {
    return width == 0 ? joined(words) : whole_words(words, columns);
  };
  for (const WorkerRow* row : sorted(history.workers(), choices)) {
    const Words words = words_of(*row);
    if (!choices.filter.shows(filtered_name(*row))) continue;
    if (choices.hides_rest && !(row->rate.now > 0)) continue;
    Row line;
    line.cells = {std::to_string(row->pid), row->command, row->state, std::to_string(row->threads)};
    const auto add = [&](double value, bool is_exact) {
      line.cells.push_back(is_exact ? spelled(value) : quantity(value, Unit::kNone));
    };
    const bool is_exact = choices.is_exact || width == 0;
    if (has_all) add(row->events, is_exact);
    line.cells.push_back(amount(row->rate.now, Unit::kNone, choices));
    if (has_10) line.cells.push_back(amount(row->rate.over_10, Unit::kNone, choices));
    if (has_100) line.cells.push_back(amount(row->rate.over_100, Unit::kNone, choices));
    line.cells.push_back(activity(*row));
    add(static_cast<double>(row->dropped), is_exact);
    if (!has_all) line.cells.push_back(std::to_string(words.families.size()));
    line.cells.push_back(listed(words.refused, has_all ? kReason : table.rest(width)));
    if (has_all) line.cells.push_back(listed(words.families, table.rest(width)));
    line.style = row->state == "live" ? Style::kLive : Style::kDead;
    if (width != 0) line.pane = pane_of(*row, words);
    table.rows.push_back(std::move(line));
  }
  return table;
}

Table space_table(const History& history, const Choices& choices, std::size_t width) {
  const Picture& now = history.last_read();
  const bool has_type = has_room(width, 88), has_all = has_room(width, kAllColumns);
  Table table;
  table.columns = {{"FAMILY", 0, false}};
  if (has_type) table.columns.push_back({"TYPE", 9, false});
  const std::vector<Table::Column> numbers = {{"SERIES", 8, true},
                                              {"REMOVED", 8, true},
                                              {"CELLS", 9, true},
                                              {"BYTES", 8, true},
                                              {"OF ALL", 6, true}};
  table.columns.insert(table.columns.end(), numbers.begin(), numbers.end());
  if (has_all) table.columns.push_back({"REGISTERED BY", 23, false});  // of a pid and a command
  for (const SpaceOf& s : now.space) {
    const std::string name = format::printable(s.family);
    if (!choices.filter.shows(name)) continue;
    Row line;
    line.cells = {name};
    if (has_type) line.cells.push_back(s.type);
    for (const std::uint64_t number : {s.series, s.removed, s.cells}) {
      line.cells.push_back(std::to_string(number));
    }
    const auto bytes = static_cast<double>(s.bytes);
    line.cells.push_back(choices.is_exact || width == 0 ? std::to_string(s.bytes)
                                                        : quantity(bytes, Unit::kBytes));
    line.cells.push_back(percent(s.bytes, now.memory_bytes));
    const std::string by = format::printable(s.registered_by);
    if (has_all) line.cells.push_back(width == 0 ? by : format::printable(s.registrant));
    line.pane = {name + ", " + s.type, "registered by " + by,
                 "looked up by " + format::printable(s.looked_up_by)};
    table.rows.push_back(std::move(line));
  }
  if (choices.is_reversed) std::reverse(table.rows.begin(), table.rows.end());
  return table;
}

}  // namespace

std::string filtered_name(const WorkerRow& worker) {
  return worker.command + ' ' + std::to_string(worker.pid) + ' ' +
         joined(words_of(worker).families);
}

std::size_t Table::rest(std::size_t width) const {
  std::size_t fixed = columns.size() - 1;
  for (const Column& c : columns) fixed += c.width;
  return width > fixed ? width - fixed : 0;
}

std::vector<std::string> Table::headings() const {
  std::vector<std::string> all;
  for (const Column& c : columns) all.push_back(c.heading);
  return all;
}

Table table_of(const History& history, const Choices& choices, std::size_t width) {
  switch (choices.page) {
    case Page::kWorkers:
      return workers_table(history, choices, width);
    case Page::kSpace:
      return space_table(history, choices, width);
    case Page::kSeries:
      break;
  }
  return series_table(history, choices, width);
}

}  // namespace metrics::inspect::top
