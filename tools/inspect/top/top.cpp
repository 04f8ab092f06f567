#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <clocale>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>

#include "tools/inspect/commands.h"
#include "tools/inspect/output.h"
#include "tools/inspect/path.h"
#include "tools/inspect/top/screen.h"
#include "tools/inspect/top/source.h"
#include "tools/inspect/top/view.h"

namespace metrics::inspect {
namespace {

using Clock = std::chrono::steady_clock;

template <class Enum>
Enum named(const std::vector<std::string>& names, const std::string& name, Enum otherwise) {
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? otherwise : static_cast<Enum>(at - names.begin());
}

// Prints what each interval has found, to a file, a pipe, or as JSON.
int print_intervals(top::Source& source, const top::Choices& choices, const Top& options,
                    Format format) {
  std::setlocale(LC_CTYPE, "C.UTF-8");  // widths, wherever the output goes
  top::History history;
  history.add(source.look());
  if (!history.latest().why.empty()) return unreadable(history.latest().why);
  const unsigned count = options.count != 0 ? options.count : format == Format::kJson ? 0 : 1;
  const auto interval =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.interval));
  auto due = Clock::now();
  for (unsigned i = 0; count == 0 || i < count; ++i) {
    due += interval;
    std::this_thread::sleep_until(due);
    history.add(source.look());
    if (format == Format::kJson) {
      print_json_line(top::json_of(history, choices));
    } else {
      if (!history.latest().why.empty()) return unreadable(history.latest().why);
      for (const std::string& line : top::lines_of(history, choices)) print_line(line);
    }
    // The reader of the output is gone: main() says so.
    if (std::fflush(stdout) != 0) return kFault;
  }
  return history.latest().why.empty() ? kFine : kFault;
}

}  // namespace

int run_top(const std::string& path, const Top& options, Format format) {
  top::Choices choices;
  choices.interval = options.interval;
  choices.filter = top::Filter(options.filter);
  choices.page = named(top::page_names(), options.page, top::Page::kSeries);
  choices.sort = named(top::sort_names(), options.sort, top::Sort::kRate);
  const std::string file = segment_at(path);
  top::Source source(file);
  if (format == Format::kJson || ::isatty(STDOUT_FILENO) == 0 || ::isatty(STDIN_FILENO) == 0) {
    return print_intervals(source, choices, options, format);
  }
  // A wrong path is said at once, on a terminal that nothing was drawn on.
  if (const top::Picture first = source.look(); !first.why.empty()) return unreadable(first.why);
  top::run_on_terminal(source, std::move(choices), options.count);
  return kFine;
}

}  // namespace metrics::inspect
