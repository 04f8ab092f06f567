// patterns.h -- the families that an operator names from outside, in an environment variable: a
// list of rules with patterns of fnmatch(3), separated by commas.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/format/definition.h"

namespace metrics::setup {

// Returns the text without the spaces at its ends.
std::string_view trimmed(std::string_view text) noexcept;

// Returns the list's rules, trimmed; empty ones are left out. They are views into the list.
std::vector<std::string_view> rules_in(std::string_view list);

// Returns true if the pattern matches the family's name. That is the one in a TYPE line of the text
// format, with `_total` for a counter and `_info` for an info: an operator sees that one in an
// exposition, whatever the program has written.
bool matches(const std::string& pattern, const format::Definition& checked);

// Returns true if a rule of the list, each of which is a pattern, matches the family's name.
bool any_matches(std::string_view list, const format::Definition& checked);

}  // namespace metrics::setup
