#include "tools/inspect/top/heading.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/exposition/utc.h"
#include "libmetrics/format/printable.h"
#include "tools/inspect/table.h"
#include "tools/inspect/top/columns.h"

namespace metrics::inspect::top {
namespace {

// A part of a line; of those that don't fit, the ones with the largest rank are left out first, and
// those of rank 0 never.
struct Part {
  Span span;
  int rank;
};

std::size_t columns_of_all(const std::vector<Part>& parts) {
  std::size_t columns = 0;
  for (const Part& part : parts) columns += columns_of(part.span.text);
  return columns;
}

// Leaves out the part with the largest rank. Returns false if all that are left have rank 0.
bool leave_out_least(std::vector<Part>& parts) {
  const auto least = std::max_element(parts.begin(), parts.end(),
                                      [](const Part& a, const Part& b) { return a.rank < b.rank; });
  if (least == parts.end() || least->rank == 0) return false;
  parts.erase(least);
  return true;
}

Line fitting(std::vector<Part> parts, std::size_t width) {
  while (width != 0 && columns_of_all(parts) > width && leave_out_least(parts)) {
  }
  Line line;
  for (Part& part : parts) line.push_back(std::move(part.span));
  return line;
}

// Returns the path without as many of its first folders as it takes to fit.
std::string shortened(const std::string& path, std::size_t columns) {
  std::string text = path;
  for (std::size_t at = path.find('/', 1); columns_of(text) > columns && at != std::string::npos;
       at = path.find('/', at + 1)) {
    text = "..." + path.substr(at);
  }
  return text;
}

std::size_t live(const History& history) {
  const auto& workers = history.workers();
  return static_cast<std::size_t>(std::count_if(
      workers.begin(), workers.end(), [](const WorkerRow& w) { return w.state == "live"; }));
}

}  // namespace

std::uint64_t dropped(const Picture& now) {
  std::uint64_t sum = 0;
  for (const reader::DropReport& d : now.drops) sum += d.count;
  return sum;
}

Line title(const History& history, const Choices& choices, std::size_t width) {
  const Picture& now = history.latest();
  const std::string file = format::printable(now.file);
  std::vector<Part> parts = {{{file, Style::kBold}, 0},
                             {{"  " + exposition::utc(now.wall_ns)}, 2},
                             {{"  every " + quantity(choices.interval, Unit::kSeconds)}, 3}};
  if (choices.is_paused) parts.insert(parts.begin(), Part{{"PAUSED  ", Style::kAlert}, 0});
  if (now.taken_ns != 0) {
    parts.push_back({{"  snapshot of " + exposition::utc(now.taken_ns)}, 1});
  }
  if (width == 0 || columns_of_all(parts) <= width) return fitting(std::move(parts), width);
  leave_out_least(parts);
  // Then the path's first folders, as long as its end alone has no room either.
  for (;;) {
    const std::size_t others = columns_of_all(parts) - columns_of(file);
    const std::string path = shortened(file, width > others ? width - others : 0);
    if (others + columns_of(path) > width && leave_out_least(parts)) continue;
    for (Part& part : parts) {
      if (part.span.text == file) part.span.text = path;
    }
    return fitting(std::move(parts), width);
  }
}

Line summary(const History& history, std::size_t width) {
  const Picture& now = history.latest();
  if (!now.why.empty()) {
    // The file is named in the line above; at its place here is the reason.
    const bool names_file = now.why.starts_with(now.file + ' ');
    const std::string why =
        format::printable(names_file ? now.why.substr(now.file.size() + 1) : now.why);
    return {{width == 0 ? why : shortened_text(why, width), Style::kAlert}};
  }
  const std::uint64_t drops = dropped(now);
  std::vector<Part> parts = {
      {{"live " + std::to_string(live(history)) + '/' + std::to_string(history.workers().size())},
       0},
      {{"  series " + std::to_string(history.series().size())}, 1},
      {{"  cells " + percent(now.cells_used, now.cells)}, 2},
      {{"  directory " + percent(now.directory_used, now.directory)}, 3},
      {{"  memory " + quantity(static_cast<double>(now.memory_bytes), Unit::kBytes)}, 4},
      {{"  dropped " + std::to_string(drops), drops > 0 ? Style::kAlert : Style::kPlain}, 0}};
  if (!now.hidden.empty()) {
    parts.push_back({{"  hidden " + std::to_string(now.hidden.size()), Style::kAlert}, 0});
  }
  parts.push_back({{"  read " + quantity(now.read_seconds, Unit::kSeconds), Style::kDim}, 5});
  return fitting(std::move(parts), width);
}

Line state(const Choices& choices, std::size_t width) {
  if (choices.is_typing) {
    if (!choices.fault.empty()) {
      const std::string fault = format::printable(choices.fault);
      return {{width == 0 ? fault : shortened_text(fault, width), Style::kAlert}};
    }
    return fitting({{{"filter: " + format::printable(choices.typed) + '_', Style::kBold}, 0},
                    {{"  (text, *pattern*, or ~regex; Enter, Esc)", Style::kDim}, 1}},
                   width);
  }
  std::vector<Part> parts;
  for (std::size_t i = 0; i < kPageNames.size(); ++i) {
    const bool is_shown = static_cast<std::size_t>(choices.page) == i;
    parts.push_back({{' ' + std::to_string(i + 1) + ' ' + kPageNames[i] + ' ',
                      is_shown ? Style::kChosen : Style::kPlain},
                     0});
  }
  const char* const by =
      choices.page == Page::kSpace ? "bytes" : kSortNames[static_cast<std::size_t>(choices.sort)];
  parts.push_back({{std::string("  by ") + by + (choices.is_reversed ? " reversed" : "")}, 2});
  if (choices.hides_rest) parts.push_back({{"  moving only"}, 1});
  if (choices.is_exact) parts.push_back({{"  exact"}, 3});
  if (!choices.filter.text().empty()) {
    parts.push_back({{"  /" + format::printable(choices.filter.text()), Style::kBold}, 0});
  }
  parts.push_back({{"  ? keys", Style::kDim}, 4});
  return fitting(std::move(parts), width);
}

}  // namespace metrics::inspect::top
