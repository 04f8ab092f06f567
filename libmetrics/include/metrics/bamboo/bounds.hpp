// bounds.hpp -- histogram bounds from the environment, as bamboo-engine's users write them.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace metrics::bamboo {

inline constexpr const char* kBoundsVariable = "BAMBOO_ENGINE_METRICS_BUCKETS";

// The bounds that `text` lists: numbers with commas between them, blanks around them allowed, e.g.
// "0.1, 1, 2.5e1". A last `inf` is allowed and says nothing new. Throws std::invalid_argument that
// says which item is no number; whether the numbers can be bounds is the histogram's to say.
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
      throw std::invalid_argument(
          "item " + std::to_string(bounds.size() + 1) + ", \"" + std::string(item) +
          (error == std::errc::result_out_of_range ? "\", is out of range" : "\", is no number") +
          "; write seconds with commas between them, e.g. \"0.1,1,10\"");
    }
    bounds.push_back(bound);
  }
  return bounds;
}

// What kBoundsVariable lists; none if it is not set. Throws as parse_bounds. Not to be called while
// another thread changes the environment.
inline std::optional<std::vector<double>> bounds_from_environment() {
  const char* const text = std::getenv(kBoundsVariable);
  if (text == nullptr) return std::nullopt;
  return parse_bounds(text);
}

}  // namespace metrics::bamboo
