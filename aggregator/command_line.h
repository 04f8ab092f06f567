// command_line.h -- what CLI11 lets pass or words badly: flags with an empty value, and arguments
// that nobody expects; and what somebody may have meant who spelled a word wrong.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace metrics::aggregator {

// Returns the first argument like "--flag=", or an empty view if no argument is like that. CLI11
// would take the next argument as the flag's value.
std::string_view flag_without_value(int argc, const char* const* argv) noexcept;

// Returns what CLI11 says of a flag without a value, of one that is given twice, or of one whose
// value is neither true nor false, in plain words. Returns any other text as it is.
std::string plain_words(const std::string& text);

// Returns " (did you mean WORD?)" with the word that is spelled most like the name; "" if none is
// much like it.
std::string did_you_mean(std::string_view name, std::span<const std::string> words);

// Returns one line that names the first of some unexpected arguments and, if one of the known flags
// and words is spelled much like it, that one.
std::string unexpected(const std::vector<std::string>& arguments,
                       std::span<const std::string> known);

}  // namespace metrics::aggregator
