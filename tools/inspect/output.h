// output.h -- what commands print, and where.
#pragma once

#include <string>

#include "aggregator/exposition/json.h"

namespace metrics::inspect {

using exposition::Json;

// To standard output.
void print(const std::string& text);
void print(const Json& json);

// A line on standard error; returns kFault.
int unreadable(const std::string& why);

}  // namespace metrics::inspect
