// escape.h -- escapes the characters that the text formats don't allow as they are.
#pragma once

#include <string>
#include <string_view>

namespace metrics::exposition {

// Appends `text` with backslash and line feed escaped: the HELP of text format 0.0.4.
void append_escaped_help(std::string& to, std::string_view text);

// Appends `text` with backslash, line feed and double quote escaped: label values in both text
// formats, and the HELP of OpenMetrics.
void append_escaped_label_value(std::string& to, std::string_view text);

}  // namespace metrics::exposition
