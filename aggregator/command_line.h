// command_line.h -- what CLI11 lets through.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace metrics::aggregator {

// The first argument like "--flag=", for whose value CLI11 would take the next argument; empty if
// there is none.
inline std::string_view flag_without_value(int argc, const char* const* argv) noexcept {
  for (const std::string_view argument : std::span(argv, static_cast<std::size_t>(argc))) {
    if (argument.starts_with("--") && argument.ends_with('=')) return argument;
  }
  return {};
}

}  // namespace metrics::aggregator
