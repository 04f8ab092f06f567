// bounds.hpp -- histogram bounds from the environment, as users of bamboo-engine write them.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "metrics/metrics.hpp"

namespace metrics::bamboo {

inline constexpr const char* kBoundsVariable = "BAMBOO_ENGINE_METRICS_BUCKETS";

// Returns the bounds, in seconds, that `text` lists: numbers with commas between them and optional
// blanks around them, e.g. "0.1, 1, 2.5e1". A last `inf` is allowed and changes nothing. If an item
// is not a number, throws std::invalid_argument with a text that names it, or, without exceptions,
// logs that text and aborts. Whether the numbers can be bounds, the histogram checks.
inline std::vector<double> parse_bounds(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  std::vector<double> bounds;
  for (bool more = true; more;) {
    const std::size_t comma = text.find(',');
    more = comma != text.npos;
    std::string_view item = text.substr(0, comma);
    text.remove_prefix(more ? comma + 1 : text.size());
    item.remove_prefix(std::min(item.find_first_not_of(kBlanks), item.size()));
    item.remove_suffix(item.size() - (item.find_last_not_of(kBlanks) + 1));

    std::string_view digits = item;
    if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
    double bound = 0;
    const char* const end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, bound);
    if (error != std::errc{} || rest != end) {
      const std::string refusal =
          "item " + std::to_string(bounds.size() + 1) + ", \"" + std::string(item) +
          (error == std::errc::result_out_of_range ? "\", is out of range" : "\", is no number") +
          "; write seconds with commas between them, e.g. \"0.1,1,10\"";
      metrics::detail::refuse(refusal.c_str());
    }
    bounds.push_back(bound);
  }
  return bounds;
}

// Returns the bounds that the environment variable kBoundsVariable lists, or an empty optional if
// it is not set. Fails as parse_bounds() does. Must not run while another thread changes the
// environment.
inline std::optional<std::vector<double>> bounds_from_environment() {
  const char* const text = std::getenv(kBoundsVariable);
  if (text == nullptr) return std::nullopt;
  return parse_bounds(text);
}

}  // namespace metrics::bamboo
