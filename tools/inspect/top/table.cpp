#include "tools/inspect/table.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "aggregator/exposition/utc.h"
#include "libmetrics/format/printable.h"
#include "libmetrics/format/types.h"
#include "tools/inspect/readings.h"
#include "tools/inspect/top/view.h"

namespace metrics::inspect::top {
namespace {

constexpr std::size_t kWide = 100;  // from here on there is room for more columns

std::string amount(double value, Unit unit, const Choices& choices) {
  if (std::isnan(value)) return "";
  return choices.is_exact ? spelled(value) : quantity(value, unit);
}

// Bytes a second are bytes; seconds a second are nothing that anybody reads as a time.
Unit unit_of_rate(const SeriesRow& row) {
  if (format::values_of(row.type) == format::Values::kCounts) return Unit::kNone;
  return row.unit == Unit::kBytes ? Unit::kBytes : Unit::kNone;
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
  for (std::string& line : lines) line = format::printable(line);
  return lines;
}

Table series_table(const History& history, const Choices& choices, std::size_t width) {
  const bool is_wide = width == 0 || width >= kWide;
  Table table;
  table.columns = {{"SERIES", 0, false}};
  if (is_wide) table.columns.push_back({"TYPE", 9, false});
  const std::size_t number = is_wide ? 10 : 7;
  table.columns.push_back({"VALUE", is_wide ? 16u : 10u, true});
  for (const char* heading : {"PER S", "AVG10", "AVG100", "P50", "P99"}) {
    table.columns.push_back({heading, number, true});
  }
  for (const SeriesRow* row : sorted(history.series(), choices)) {
    if (!choices.filter.shows(row->name)) continue;
    if (choices.hides_rest && !(row->rate.now > 0)) continue;
    Row line;
    line.cells = {row->name};
    if (is_wide) line.cells.emplace_back(format::to_string(row->type));
    const Unit rate = unit_of_rate(*row);
    // A value that fits is shown to its last digit.
    const bool fits = row->value_text.size() <= table.columns[is_wide ? 2 : 1].width;
    const bool counts = format::values_of(row->type) == format::Values::kCounts;
    line.cells.push_back(fits || width == 0
                             ? row->value_text
                             : quantity(row->value, counts ? Unit::kNone : row->unit));
    for (const double value : {row->rate.now, row->rate.over_10, row->rate.over_100}) {
      line.cells.push_back(amount(value, rate, choices));
    }
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

Table workers_table(const History& history, const Choices& choices, std::size_t width) {
  const bool is_wide = width == 0 || width >= kWide;
  Table table;
  table.columns = {{"PID", 8, true}, {"COMMAND", 15, false}, {"STATE", 5, false},
                   {"THR", 3, true}, {"EVENTS", 9, true},    {"PER S", 7, true}};
  if (is_wide) {
    table.columns.push_back({"AVG10", 7, true});
    table.columns.push_back({"AVG100", 7, true});
  }
  table.columns.push_back({"ACTIVE", 7, true});
  table.columns.push_back({"DROPS", 5, true});
  if (is_wide) table.columns.push_back({"REFUSED", 16, false});
  table.columns.push_back({"FAMILIES", 0, false});
  for (const WorkerRow* row : sorted(history.workers(), choices)) {
    if (!choices.filter.shows(row->command + ' ' + std::to_string(row->pid) + ' ' +
                              row->families)) {
      continue;
    }
    if (choices.hides_rest && !(row->rate.now > 0)) continue;
    Row line;
    line.cells = {
        std::to_string(row->pid),
        row->command,
        row->state,
        std::to_string(row->threads),
        choices.is_exact || width == 0 ? spelled(row->events) : quantity(row->events, Unit::kNone),
        amount(row->rate.now, Unit::kNone, choices)};
    if (is_wide) {
      line.cells.push_back(amount(row->rate.over_10, Unit::kNone, choices));
      line.cells.push_back(amount(row->rate.over_100, Unit::kNone, choices));
    }
    line.cells.push_back(activity(*row));
    line.cells.push_back(choices.is_exact || width == 0
                             ? std::to_string(row->dropped)
                             : quantity(static_cast<double>(row->dropped), Unit::kNone));
    if (is_wide) line.cells.push_back(row->drops);
    line.cells.push_back(row->families);
    line.style = row->state == "live" ? Style::kLive : Style::kDead;
    line.pane = {"process " + std::to_string(row->pid) + ' ' + row->command + ", slot " +
                     std::to_string(row->slot) + ", owner " + std::to_string(row->generation) +
                     " of it, since " + exposition::utc(row->claimed_ns),
                 "events " + spelled(row->events) +
                     ": counters without a unit, and observations, with those of earlier owners",
                 "dropped " + std::to_string(row->dropped) + ", refused last: " +
                     (row->drops.empty() ? "nothing that is remembered" : row->drops),
                 "families: " + row->families};
    table.rows.push_back(std::move(line));
  }
  return table;
}

Table space_table(const History& history, const Choices& choices, std::size_t width) {
  const Picture& now = history.last_read();
  const bool is_wide = width == 0 || width >= kWide;
  Table table;
  table.columns = {{"FAMILY", 0, false}, {"TYPE", 9, false}, {"SERIES", 8, true},
                   {"REMOVED", 8, true}, {"CELLS", 9, true}, {"BYTES", 8, true},
                   {"OF ALL", 6, true}};
  if (is_wide) table.columns.push_back({"REGISTERED BY", 30, false});
  for (const SpaceOf& s : now.space) {
    const std::string name = format::printable(s.family);
    if (!choices.filter.shows(name)) continue;
    Row line;
    const auto bytes = static_cast<double>(s.bytes);
    line.cells = {
        name,
        s.type,
        std::to_string(s.series),
        std::to_string(s.removed),
        std::to_string(s.cells),
        choices.is_exact || width == 0 ? std::to_string(s.bytes) : quantity(bytes, Unit::kBytes),
        percent(s.bytes, now.memory_bytes)};
    const std::string by = format::printable(s.looked_up_by);
    if (is_wide) line.cells.push_back(format::printable(s.registered_by));
    line.pane = {name, "registered by " + format::printable(s.registered_by), "looked up by " + by};
    table.rows.push_back(std::move(line));
  }
  if (choices.is_reversed) std::reverse(table.rows.begin(), table.rows.end());
  return table;
}

}  // namespace

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
