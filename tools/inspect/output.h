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
// Prints an exposition: its very bytes, as a scrape has them, unless standard output is a terminal.
// A terminal would obey the escape sequences in them, so it is shown them instead.
void print_exposition(const std::string& text);

// Prints "metrics-inspect: " and the text in one line to standard error.
void complain(std::string_view text);
// Does the same and returns kFault.
int unreadable(const std::string& why);

}  // namespace metrics::inspect
