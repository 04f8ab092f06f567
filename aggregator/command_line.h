// command_line.h -- rejects flags with an empty value, which CLI11 accepts.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace metrics::aggregator {

// Returns the first argument like "--flag=", or an empty view if no argument is like that. CLI11
// would take the next argument as the flag's value.
inline std::string_view flag_without_value(int argc, const char* const* argv) noexcept {
  for (const std::string_view argument : std::span(argv, static_cast<std::size_t>(argc))) {
    if (argument.starts_with("--") && argument.ends_with('=')) return argument;
  }
  return {};
}

}  // namespace metrics::aggregator
