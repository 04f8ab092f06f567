// columns.h -- text of a certain width on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace metrics::inspect::top {

// Returns how many columns the text takes, as the locale's LC_CTYPE has it. The text must be
// printable (format/printable.h).
std::size_t columns_of(std::string_view text);

// Returns the text in exactly that many columns: filled with blanks at its end, or, with
// `to_the_right`, at its beginning. What is too long loses its middle, where a '~' stands, since a
// series differs from its neighbours at its end.
std::string fitted(std::string_view text, std::size_t columns, bool to_the_right = false);

}  // namespace metrics::inspect::top
