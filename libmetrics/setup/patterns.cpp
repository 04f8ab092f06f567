#include "libmetrics/setup/patterns.h"

#include <fnmatch.h>

#include <algorithm>

#include "libmetrics/format/types.h"

namespace metrics::setup {

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kSpace = " \t\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::vector<std::string_view> rules_in(std::string_view list) {
  std::vector<std::string_view> rules;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (const std::string_view rule = trimmed(list.substr(0, comma)); !rule.empty()) {
      rules.push_back(rule);
    }
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return rules;
}

bool matches(const std::string& pattern, const format::Definition& d) {
  const std::string name = d.name + std::string(format::row_of(d.type).name_ending);
  return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

bool any_matches(std::string_view list, const format::Definition& d) {
  const auto rules = rules_in(list);
  return std::any_of(rules.begin(), rules.end(),
                     [&](std::string_view rule) { return matches(std::string(rule), d); });
}

}  // namespace metrics::setup
