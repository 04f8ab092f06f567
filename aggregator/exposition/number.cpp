#include "aggregator/exposition/number.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

namespace metrics::exposition {
namespace {

char* copy(char* to, std::string_view text) noexcept {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

}  // namespace

char* print(char* to, double v) noexcept {
  // Most gauges are whole numbers that need no exponent: printing them as such takes less time.
  constexpr double kFirstWithExponent = 1e6;
  if (v >= 0 && v < kFirstWithExponent) {
    const auto whole = static_cast<std::uint64_t>(v);
    if (static_cast<double>(whole) == v && !std::signbit(v)) {
      return print(to, whole);
    }
  }
  if (std::isnan(v)) return copy(to, "NaN");
  if (std::isinf(v)) return copy(to, v > 0 ? "+Inf" : "-Inf");
  return std::to_chars(to, to + kMaxNumberSize, v, std::chars_format::general).ptr;
}

void append_seconds(std::string& to, std::uint64_t ns) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  // A leading 1 keeps the zeros behind the point.
  std::string fraction = std::to_string(kSecond + ns % kSecond);
  fraction.front() = '.';
  fraction.resize(std::max<std::size_t>(fraction.find_last_not_of('0') + 1, 2), '0');
  to += std::to_string(ns / kSecond) + fraction;
}

void append_bound(std::string& to, double bound) {
  char buffer[kMaxNumberSize];
  const std::string_view text(buffer, static_cast<std::size_t>(print(buffer, bound) - buffer));
  to += text;
  if (text.find_first_of(".e") == std::string_view::npos) to += ".0";
}

}  // namespace metrics::exposition
