#include "tools/inspect/top/view.h"

#include <algorithm>
#include <utility>

#include "tools/inspect/selector.h"
#include "tools/inspect/top/columns.h"
#include "tools/inspect/top/heading.h"

namespace metrics::inspect::top {
namespace {

constexpr std::size_t kHeadLines = 4;

std::string in_columns(const Table& table, const std::vector<std::string>& cells,
                       std::size_t width) {
  const std::size_t rest = table.rest(width);
  std::string line;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Table::Column& c = table.columns[i];
    if (i > 0) line += ' ';
    line += fitted(cells[i], c.width == 0 ? rest : c.width, c.to_the_right);
  }
  return line;
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

constexpr const char* kKeys[] = {
    "  Tab, 1 2 3     pages: series, workers, space       q, F10      quit",
    "  arrows, j k    the row; PgUp PgDn, Home g, End G   ?, h, F1    this help",
    "  Enter, i       more about the row, with its HELP   space, p    pause",
    "  /, F4          filter: text, a pattern with * ? [ ], or ~regex; Esc clears",
    "  s S, > <, F6   sort by the next, the previous      r, I        reverse",
    "  d              only what moves                     e           exact numbers",
    "  + -            interval: twice, half",
    "  c              averages from now on"};
constexpr const char* kWords[] = {
    "PER S is the last interval's; AVG10 and AVG100 weigh the last 10 and 100 seconds. P50 and P99 "
    "are of what was observed in the last interval. Of a histogram VALUE and PER S count "
    "observations. ACTIVE: how long ago anything of that worker has changed.",
    "A narrow terminal shows fewer columns: all are there from 120 columns on, and Enter shows the "
    "rest of the chosen row. '+2' stands for two words that have no room, '~' for the middle of a "
    "name."};

void add_help(Frame& frame, std::size_t width) {
  frame.push_back({});
  for (const char* line : kKeys) frame.push_back({{line}});
  for (const char* text : kWords) {
    frame.push_back({});
    for (const std::string& line : wrapped(text, width > 4 ? width - 4 : 1)) {
      frame.push_back({{"  " + line}});
    }
  }
}

// Returns the pane's lines, at most so many: of what has no room, it says that there is more.
std::vector<std::string> pane_lines(const Row& row, std::size_t width, std::size_t most) {
  std::vector<std::string> lines;
  for (const std::string& text : row.pane) {
    for (std::string& line : wrapped(text, width)) lines.push_back(std::move(line));
  }
  if (lines.size() > most) {
    lines.resize(most);
    if (most > 0) lines.back() = shortened_text(lines.back() + " and more", width);
  }
  return lines;
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
  Frame frame = {title(history, choices, width), summary(history, width), state(choices, width)};
  if (choices.shows_help) {
    add_help(frame, width);
  } else {
    const Table table = table_of(history, choices, width);
    frame.push_back({{in_columns(table, table.headings(), width), Style::kHeading}});
    // A third of the height, whatever the row, so that the rows stay where they are.
    const std::size_t pane = choices.shows_pane ? height / 3 : 0;
    const std::size_t room = height > kHeadLines + pane ? height - kHeadLines - pane : 0;
    add_rows(table, choices, width, room, frame);
    frame.resize(std::max(frame.size(), kHeadLines + room));
    if (pane > 0) {
      frame.push_back({{std::string(width, '-'), Style::kDim}});
      if (!table.rows.empty()) {
        for (std::string& text : pane_lines(table.rows[choices.cursor], width, pane - 1)) {
          frame.push_back({{std::move(text)}});
        }
      }
    }
  }
  frame.resize(height);
  for (Line& line : frame) line = filled(std::move(line), width);
  return frame;
}

}  // namespace metrics::inspect::top
