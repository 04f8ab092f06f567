// output.h -- prints the output of commands, and their complaints.
//
// All that the inspector prints goes through here, since what it shows was chosen by others: see
// libmetrics/format/printable.h.
#pragma once

#include <string>
#include <string_view>

#include "aggregator/exposition/json.h"

namespace metrics::inspect {

using exposition::Json;

// Prints one line to standard output, whatever the text holds.
void print_line(std::string_view text);
void print(const Json& json);
// Prints it in one line, for outputs that go on.
void print_json_line(const Json& json);
// Prints an exposition: its very bytes, as a scrape has them, unless standard output is a terminal.
// A terminal would obey the escape sequences in them, so it is shown them instead.
void print_exposition(const std::string& text);

// Prints "metrics-inspect: " and the text in one line to standard error.
void complain(std::string_view text);
// Replaces the line that the cursor is in on standard error, which must be a terminal; an empty
// text clears it.
void replace_line(std::string_view text);
// Does what complain() does, and returns kFault.
int unreadable(const std::string& why);

}  // namespace metrics::inspect
