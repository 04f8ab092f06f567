#include "libmetrics/setup/max_series.h"

#include <fnmatch.h>

#include <charconv>
#include <system_error>

#include "libmetrics/format/types.h"

namespace metrics::setup {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kSpace = " \t\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::optional<std::uint32_t> whole(std::string_view text) noexcept {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

MaxSeries::MaxSeries(std::string_view rules) {
  while (!rules.empty()) {
    const std::size_t comma = rules.find(',');
    const std::string_view rule = trimmed(rules.substr(0, comma));
    rules.remove_prefix(comma == std::string_view::npos ? rules.size() : comma + 1);
    if (rule.empty()) continue;
    const std::size_t equals = rule.rfind('=');
    const std::string_view pattern =
        equals == std::string_view::npos ? std::string_view() : trimmed(rule.substr(0, equals));
    const auto most =
        equals == std::string_view::npos ? std::nullopt : whole(trimmed(rule.substr(equals + 1)));
    if (!pattern.empty() && most) {
      rules_.push_back({std::string(pattern), *most});
      continue;
    }
    const char* why = equals == std::string_view::npos ? "has no '='"
                      : pattern.empty()                ? "has no pattern of family names"
                                                       : "has no whole number below 2^32";
    faults_.push_back("METRICS_MAX_SERIES: \"" + std::string(rule) + "\" is ignored: it " + why +
                      "; write PATTERN=NUMBER, e.g. \"http_*=5000\"");
  }
}

std::optional<std::uint32_t> MaxSeries::of(const format::Definition& d) const {
  const std::string name = d.name + std::string(format::row_of(d.type).name_ending);
  for (const Rule& rule : rules_) {
    if (::fnmatch(rule.pattern.c_str(), name.c_str(), 0) == 0) return rule.most;
  }
  return std::nullopt;
}

}  // namespace metrics::setup
