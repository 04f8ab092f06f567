// view.h -- what top shows: a frame of styled lines, made of a history and of what keys have
// chosen. Pure: neither reads a segment nor knows a terminal.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/inspect/top/history.h"

namespace metrics::inspect::top {

enum class Style { kPlain, kBold, kHeading, kLive, kDead, kAlert, kDim, kChosen };
struct Span {
  std::string text;
  Style style = Style::kPlain;
};
using Line = std::vector<Span>;
using Frame = std::vector<Line>;

enum class Page { kSeries, kWorkers, kSpace };
enum class Sort { kName, kValue, kRate, kOver10, kOver100, kP50, kP99 };
std::vector<std::string> page_names();
std::vector<std::string> sort_names();

// Which rows a filter shows: what is empty all; ~REGEX those in whose names that is found; a
// pattern with *, ? or [...] those whose family it matches, and any other text those whose names
// contain it.
class Filter {
 public:
  // Throws std::invalid_argument with what is wrong with a regular expression.
  Filter() : Filter(std::string()) {}
  explicit Filter(std::string text);
  bool shows(const std::string& name) const { return is_shown_(name); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::function<bool(const std::string&)> is_shown_;
};

// What a key has chosen.
struct Choices {
  Page page = Page::kSeries;
  Sort sort = Sort::kRate;
  bool is_reversed = false, hides_rest = false, shows_pane = false, shows_help = false;
  bool is_paused = false, is_exact = false;
  Filter filter;
  bool is_typing = false;  // the filter
  std::string typed, fault;
  double interval = 1;
  std::size_t cursor = 0;  // of the rows that are shown
};

// A row of any page: the texts of its columns, and what it is sorted by.
struct Row {
  std::vector<std::string> cells;
  Style style = Style::kPlain;
  std::vector<std::string> pane;  // more about it
};
struct Table {
  struct Column {
    std::string heading;
    std::size_t width;  // 0: takes what is left
    bool to_the_right;
  };
  std::vector<Column> columns;
  std::vector<Row> rows;
  // Returns how wide the column is that takes what is left of that width.
  std::size_t rest(std::size_t width) const;
  // Returns the columns' headings.
  std::vector<std::string> headings() const;
};

// Returns by what a worker is filtered: its command, pid and families.
std::string filtered_name(const WorkerRow& worker);

// Returns all rows of the page, filtered and sorted, with the columns that fit into that width; 0:
// all columns.
Table table_of(const History& history, const Choices& choices, std::size_t width);

// Returns the frame; the rows shown are those around the cursor, which it keeps among the rows.
Frame frame_of(const History& history, Choices& choices, std::size_t width, std::size_t height);

// Changes the choices as that key does: a character, or one of Key.
enum Key : int { kUp = 0x110000, kDown, kPageUp, kPageDown, kHome, kEnd, kEnter, kEscape, kErase };
enum class Effect { kNothing, kQuit, kRestart, kReadNow };
Effect press(int key, Choices& choices, std::size_t page_rows);

// Returns the lines of one picture as text, and as JSON.
std::vector<std::string> lines_of(const History& history, const Choices& choices);
exposition::Json json_of(const History& history, const Choices& choices);

}  // namespace metrics::inspect::top
