// output.h -- prints the output of commands, and their complaints.
#pragma once

#include <string>

#include "aggregator/exposition/json.h"

namespace metrics::inspect {

using exposition::Json;

// Print to standard output.
void print(const std::string& text);
void print(const Json& json);

// Prints a line to standard error; returns kFault.
int unreadable(const std::string& why);

}  // namespace metrics::inspect
