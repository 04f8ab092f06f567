#include "tools/inspect/top/columns.h"

#include <wchar.h>

#include <cstring>
#include <vector>

namespace metrics::inspect::top {
namespace {

// A character, and how many columns it takes. What the locale does not know is a '?'.
struct Character {
  std::string_view bytes;
  std::size_t columns;
};

std::vector<Character> characters_of(std::string_view text) {
  std::vector<Character> all;
  std::mbstate_t state{};
  for (std::size_t at = 0; at < text.size();) {
    wchar_t wide = 0;
    const std::size_t bytes = std::mbrtowc(&wide, text.data() + at, text.size() - at, &state);
    const bool is_one = bytes > 0 && bytes <= text.size() - at;
    const int columns = is_one ? ::wcwidth(wide) : -1;
    if (columns < 0) {
      state = {};
      all.push_back({"?", 1});
    } else {
      all.push_back({text.substr(at, bytes), static_cast<std::size_t>(columns)});
    }
    at += is_one ? bytes : 1;
  }
  return all;
}

std::size_t sum_of_columns(const std::vector<Character>& characters) {
  std::size_t columns = 0;
  for (const Character& c : characters) columns += c.columns;
  return columns;
}

}  // namespace

std::size_t columns_of(std::string_view text) { return sum_of_columns(characters_of(text)); }

std::string fitted(std::string_view text, std::size_t columns, bool to_the_right) {
  const std::vector<Character> characters = characters_of(text);
  const std::size_t wide = sum_of_columns(characters);
  std::string fit;
  if (wide <= columns) {
    for (const Character& c : characters) fit += c.bytes;
    return fit.insert(to_the_right ? 0 : fit.size(), columns - wide, ' ');
  }
  if (columns == 0) return fit;
  const std::size_t head = (columns - 1) / 2, tail = columns - 1 - head;
  std::size_t used = 0, at = 0;
  for (; at < characters.size() && used + characters[at].columns <= head; ++at) {
    fit += characters[at].bytes;
    used += characters[at].columns;
  }
  std::size_t from = characters.size(), behind = 0;
  while (from > at && behind + characters[from - 1].columns <= tail) {
    behind += characters[--from].columns;
  }
  fit += '~';
  for (; from < characters.size(); ++from) fit += characters[from].bytes;
  return fit.append(columns - 1 - used - behind, ' ');
}

}  // namespace metrics::inspect::top
