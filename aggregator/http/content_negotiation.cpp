#include "aggregator/http/content_negotiation.h"

#include <algorithm>
#include <optional>

#include "aggregator/http/ascii.h"

namespace metrics::http {
namespace {

// In thousandths, which is as fine as RFC 9110 lets a weight be.
using Weight = int;
constexpr Weight kRefused = 0;
constexpr Weight kFull = 1000;

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Cuts `text` at the first `separator`: returns what stood before it, leaves what stands behind.
std::string_view cut(std::string_view& text, char separator) noexcept {
  const std::size_t at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return trimmed(head);
}

// "0", "1", "0.5", "1.000": one digit, and up to three behind a point.
Weight parse_weight(std::string_view text) noexcept {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return kRefused;
  if (text.size() > 5 || (text.size() > 1 && text[1] != '.')) return kRefused;
  Weight weight = (text[0] - '0') * kFull;
  Weight unit = kFull;
  for (std::size_t i = 2; i < text.size(); ++i) {
    if (text[i] < '0' || text[i] > '9') return kRefused;
    unit /= 10;
    weight += (text[i] - '0') * unit;
  }
  return weight <= kFull ? weight : kRefused;
}

// Of the parameters behind a coding; without one the weight is full.
Weight weight_of(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    std::string_view value = cut(parameters, ';');
    if (equal_ignoring_case(cut(value, '='), "q")) return parse_weight(trimmed(value));
  }
  return kFull;
}

void keep_highest(std::optional<Weight>& known, Weight weight) noexcept {
  known = std::max(known.value_or(kRefused), weight);
}

}  // namespace

bool wants_gzip(std::string_view accept_encoding) noexcept {
  std::optional<Weight> gzip;
  std::optional<Weight> identity;
  std::optional<Weight> any;
  while (!accept_encoding.empty()) {
    std::string_view parameters = cut(accept_encoding, ',');
    const std::string_view coding = cut(parameters, ';');
    if (equal_ignoring_case(coding, "gzip") || equal_ignoring_case(coding, "x-gzip")) {
      keep_highest(gzip, weight_of(parameters));
    } else if (equal_ignoring_case(coding, "identity")) {
      keep_highest(identity, weight_of(parameters));
    } else if (coding == "*") {
      keep_highest(any, weight_of(parameters));
    }
  }
  // `*` stands for every coding that isn't listed. Identity needs no mention to be acceptable, but
  // unless it is mentioned there is nothing that it would be preferred to.
  const Weight other = any.value_or(kRefused);
  return gzip.value_or(other) > kRefused && gzip.value_or(other) >= identity.value_or(other);
}

}  // namespace metrics::http
