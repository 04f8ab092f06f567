#include "libmetrics/setup/max_series.h"

#include <charconv>
#include <system_error>

#include "libmetrics/setup/patterns.h"

namespace metrics::setup {
namespace {

std::optional<std::uint32_t> whole(std::string_view text) noexcept {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

MaxSeries::MaxSeries(std::string_view rules) {
  for (const std::string_view rule : rules_in(rules)) {
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
  for (const Rule& rule : rules_) {
    if (matches(rule.pattern, d)) return rule.most;
  }
  return std::nullopt;
}

}  // namespace metrics::setup
