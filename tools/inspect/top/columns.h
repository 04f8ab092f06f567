// columns.h -- text of a certain width on a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace metrics::inspect::top {

// Returns how many columns the text takes, as the locale's LC_CTYPE has it. The text must be
// printable (format/printable.h).
std::size_t columns_of(std::string_view text);

// Returns the text in exactly that many columns: filled with blanks at its end, or, with
// `to_the_right`, at its beginning. What is too long loses its middle, where a '~' stands, since a
// series differs from its neighbours at its end.
std::string fitted(std::string_view text, std::size_t columns, bool to_the_right = false);

// Returns as many of the words as fit, with a blank between two, and "+2" behind them if two are
// left out; in exactly that many columns. No word is cut: what is narrower than "+2" is blank.
std::string whole_words(const std::vector<std::string>& words, std::size_t columns);

// Returns the text in lines of at most that many columns, which are broken between words, or in a
// word that is longer than a line.
std::vector<std::string> wrapped(std::string_view text, std::size_t columns);

// Returns the text, or as many of its words as fit and " ..." behind them.
std::string shortened_text(std::string_view text, std::size_t columns);

}  // namespace metrics::inspect::top
