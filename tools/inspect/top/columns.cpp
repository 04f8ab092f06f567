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

std::string whole_words(const std::vector<std::string>& words, std::size_t columns) {
  std::string best;
  std::string text;
  for (std::size_t i = 0; i <= words.size(); ++i) {
    if (i > 0) text.append(i == 1 ? "" : " ").append(words[i - 1]);
    const std::size_t left = words.size() - i;
    const std::string more = left == 0 ? "" : (i == 0 ? "+" : " +") + std::to_string(left);
    if (columns_of(text + more) <= columns) best = text + more;
  }
  return best.append(columns - columns_of(best), ' ');
}

std::vector<std::string> wrapped(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  std::size_t used = 0,
              blank = 0;  // `blank`: where the last one of the line stands, counted from 1
  for (const Character& c : characters_of(text)) {
    if (lines.empty() || used + c.columns > columns) {
      std::string rest;
      if (!lines.empty() && blank > 0 && c.bytes != " ") {
        rest = lines.back().substr(blank);
        lines.back().resize(blank - 1);
      }
      lines.push_back(std::move(rest));
      used = columns_of(lines.back());
      blank = 0;
      if (c.bytes == " " && lines.size() > 1) continue;
    }
    lines.back() += c.bytes;
    used += c.columns;
    if (c.bytes == " ") blank = lines.back().size();
  }
  return lines;
}

std::string shortened_text(std::string_view text, std::size_t columns) {
  constexpr std::string_view kMore = " ...";
  if (columns_of(text) <= columns || columns <= kMore.size()) return std::string(text);
  return wrapped(text, columns - kMore.size()).front().append(kMore);
}

}  // namespace metrics::inspect::top
