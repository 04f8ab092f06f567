// printable.h -- text that others chose, for a terminal or a log.
//
// Label values, help texts, commands and file names can hold anything: an escape sequence that
// clears the screen or types an answer, a line feed that begins a line of its own, a mark that
// turns the direction of what follows. Programs print such text only through these functions.
#pragma once

#include <string>
#include <string_view>

namespace metrics::format {

// Returns true if all of the text is harmless as it is, in one line.
bool is_printable(std::string_view text) noexcept;

// Returns the text in one line, with everything in it shown that is not printable: line feeds and
// tabs as \n and \t, other control characters and marks of direction as \u001b, bytes that are not
// UTF-8 as \xff. What is printable stays, backslashes too, so nobody can read the original back.
std::string printable(std::string_view text);

// Does the same to text that is made of lines, such as JSON or an exposition: line feeds stay. What
// becomes of JSON is JSON of the same meaning.
std::string printable_lines(std::string_view text);

}  // namespace metrics::format
