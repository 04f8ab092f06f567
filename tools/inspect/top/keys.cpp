#include <algorithm>
#include <stdexcept>
#include <utility>

#include "tools/inspect/top/view.h"

namespace metrics::inspect::top {
namespace {

constexpr int kSorts = 7, kPages = 3;

void type(int key, Choices& choices) {
  switch (key) {
    case kEnter:
      try {
        choices.filter = Filter(choices.typed);
        choices.fault.clear();
        choices.cursor = 0;
      } catch (const std::invalid_argument& e) {
        choices.fault = e.what();
        return;
      }
      [[fallthrough]];
    case kEscape:
      choices.is_typing = false;
      choices.fault.clear();
      return;
    case kErase:
      // With all bytes of a character of UTF-8.
      while (!choices.typed.empty() && (choices.typed.back() & 0xc0) == 0x80) {
        choices.typed.pop_back();
      }
      if (!choices.typed.empty()) choices.typed.pop_back();
      return;
    default:
      if (key >= ' ' && key <= 0xff && key != 0x7f) choices.typed += static_cast<char>(key);
  }
}

bool move(int key, Choices& choices, std::size_t page_rows) {
  std::size_t& at = choices.cursor;
  switch (key) {
    case kUp:
    case 'k':
      at -= std::min<std::size_t>(at, 1);
      return true;
    case kDown:
    case 'j':
      ++at;
      return true;
    case kPageUp:
      at -= std::min(at, page_rows);
      return true;
    case kPageDown:
      at += page_rows;
      return true;
    case kHome:
    case 'g':
      at = 0;
      return true;
    case kEnd:
    case 'G':
      at = static_cast<std::size_t>(-1);  // the frame keeps it among the rows
      return true;
    default:
      return false;
  }
}

void show(Page page, Choices& choices) {
  choices.page = page;
  choices.cursor = 0;
}

void sort_by(int step, Choices& choices) {
  choices.sort = static_cast<Sort>((static_cast<int>(choices.sort) + step + kSorts) % kSorts);
  choices.cursor = 0;
}

}  // namespace

Effect press(int key, Choices& choices, std::size_t page_rows) {
  if (choices.is_typing) {
    type(key, choices);
    return Effect::kNothing;
  }
  if (choices.shows_help) {
    choices.shows_help = false;
    return key == 'q' ? Effect::kQuit : Effect::kNothing;
  }
  if (move(key, choices, page_rows)) return Effect::kNothing;
  switch (key) {
    case 'q':
      return Effect::kQuit;
    case '?':
    case 'h':
      choices.shows_help = true;
      break;
    case '\t':
      show(static_cast<Page>((static_cast<int>(choices.page) + 1) % kPages), choices);
      break;
    case '1':
      show(Page::kSeries, choices);
      break;
    case '2':
    case 'w':
      show(Page::kWorkers, choices);
      break;
    case '3':
      show(Page::kSpace, choices);
      break;
    case '/':
    case '\\':
      choices.is_typing = true;
      choices.typed = choices.filter.text();
      break;
    case kEscape:
      choices.filter = Filter();
      break;
    case 's':
    case '>':
      sort_by(1, choices);
      break;
    case 'S':
    case '<':
      sort_by(-1, choices);
      break;
    case 'I':
    case 'r':
      choices.is_reversed = !choices.is_reversed;
      break;
    case 'd':
      choices.hides_rest = !choices.hides_rest;
      break;
    case 'e':
      choices.is_exact = !choices.is_exact;
      break;
    case kEnter:
    case 'i':
      choices.shows_pane = !choices.shows_pane;
      break;
    case ' ':
    case 'p':
      choices.is_paused = !choices.is_paused;
      break;
    case '+':
      choices.interval = std::min(60.0, choices.interval * 2);
      break;
    case '-':
      choices.interval = std::max(0.125, choices.interval / 2);
      return Effect::kReadNow;
    case 'c':
      return Effect::kRestart;
    default:
      break;
  }
  return Effect::kNothing;
}

}  // namespace metrics::inspect::top
