// command_line.h -- what CLI11 lets pass or words badly: flags with an empty value, and arguments
// that nobody expects.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace metrics::aggregator {

// Returns the first argument like "--flag=", or an empty view if no argument is like that. CLI11
// would take the next argument as the flag's value.
std::string_view flag_without_value(int argc, const char* const* argv) noexcept;

// Returns one line that names the first of some unexpected arguments and, if one of the known flags
// and words is spelled much like it, that one.
std::string unexpected(const std::vector<std::string>& arguments,
                       std::span<const std::string> known);

}  // namespace metrics::aggregator
