#include "aggregator/http/content_negotiation.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <vector>

#include "aggregator/http/ascii.h"

namespace metrics::http {
namespace {

// A weight is in thousandths: RFC 9110 allows three decimal places.
using Weight = int;
constexpr Weight kRefused = 0;
constexpr Weight kFull = 1000;

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Cuts `text` at the first `separator` that is not quoted: returns the part before it, trimmed, and
// leaves the part behind it in `text`.
std::string_view cut(std::string_view& text, char separator) noexcept {
  bool quoted = false;
  std::size_t at = 0;
  for (; at < text.size() && (quoted || text[at] != separator); ++at) {
    if (text[at] == '"') quoted = !quoted;
    if (quoted && text[at] == '\\') ++at;
  }
  at = std::min(at, text.size());
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return trimmed(head);
}

// Reads "0", "1", "0.5" or "1.000": one digit, and up to three behind a point. Returns kRefused for
// any other text.
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

// Returns a parameter's value as it is written; empty if there is no parameter of that name.
std::optional<std::string_view> parameter(std::string_view parameters,
                                          std::string_view name) noexcept {
  while (!parameters.empty()) {
    std::string_view value = cut(parameters, ';');
    if (equal_ignoring_case(cut(value, '='), name)) return trimmed(value);
  }
  return std::nullopt;
}

// Returns the weight in the parameters of a coding or media type; without one, the weight is full.
Weight weight_of(std::string_view parameters) noexcept {
  const auto weight = parameter(parameters, "q");
  return weight ? parse_weight(*weight) : kFull;
}

void keep_highest(std::optional<Weight>& known, Weight weight) noexcept {
  known = std::max(known.value_or(kRefused), weight);
}

std::string_view unquoted(std::string_view text) noexcept {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// Returns how specifically a member accepts an offer: 3 by its type, 2 by a wildcard of subtypes, 1
// by `*/*`, 0 if the member does not accept the offer.
int match(std::string_view member, std::string_view parameters, const Offer& offer) noexcept {
  std::string_view offered = offer.content_type;
  const std::string_view type = cut(offered, ';');
  if (member == "*/*") return offer.asked_for_in_full ? 0 : 1;
  if (member.ends_with("/*")) {
    member.remove_suffix(1);
    const bool fits = equal_ignoring_case(type.substr(0, member.size()), member);
    return fits && !offer.asked_for_in_full ? 2 : 0;
  }
  if (!equal_ignoring_case(member, type)) return 0;
  while (!offered.empty()) {
    std::string_view value = cut(offered, ';');
    const std::string_view name = cut(value, '=');
    const auto theirs = parameter(parameters, name);
    if (theirs ? !equal_ignoring_case(unquoted(*theirs), unquoted(trimmed(value)))
               : offer.asked_for_in_full) {
      return 0;
    }
  }
  return 3;
}
constexpr int kByType = 3;

// Calls visit(member, parameters) for each member of the header.
template <class Visit>
void each_member(std::string_view accept, Visit visit) {
  while (!accept.empty()) {
    std::string_view parameters = cut(accept, ',');
    const std::string_view member = cut(parameters, ';');
    visit(member, parameters);
  }
}

}  // namespace

Preferred preferred(std::string_view accept, std::span<const Offer> offers) {
  std::vector<bool> refused(offers.size());
  each_member(accept, [&](std::string_view member, std::string_view parameters) {
    if (weight_of(parameters) != kRefused) return;
    for (std::size_t i = 0; i < offers.size(); ++i) {
      if (match(member, parameters, offers[i]) == kByType) refused[i] = true;
    }
  });
  Preferred best;
  std::tuple<Weight, int, int> best_rank = {kRefused, 0, 0};
  each_member(accept, [&](std::string_view member, std::string_view parameters) {
    const Weight weight = weight_of(parameters);
    if (weight == kRefused) return;
    for (std::size_t i = 0; i < offers.size(); ++i) {
      const int specific = match(member, parameters, offers[i]);
      if (specific == 0 || (specific < kByType && refused[i])) continue;
      const std::tuple<Weight, int, int> rank = {weight, specific, offers[i].preference};
      if (rank > best_rank) {
        best = {i, parameters};
        best_rank = rank;
      }
      return;
    }
  });
  return best;
}

std::string_view parameter_value(std::string_view parameters, std::string_view name) noexcept {
  return unquoted(parameter(parameters, name).value_or(std::string_view()));
}

bool wants_gzip(std::string_view accept_encoding) noexcept {
  std::optional<Weight> gzip;
  std::optional<Weight> identity;
  std::optional<Weight> any;
  each_member(accept_encoding, [&](std::string_view coding, std::string_view parameters) {
    if (equal_ignoring_case(coding, "gzip") || equal_ignoring_case(coding, "x-gzip")) {
      keep_highest(gzip, weight_of(parameters));
    } else if (equal_ignoring_case(coding, "identity")) {
      keep_highest(identity, weight_of(parameters));
    } else if (coding == "*") {
      keep_highest(any, weight_of(parameters));
    }
  });
  // `*` stands for every coding that is not listed. Identity is acceptable without being listed,
  // but a client that does not list it does not prefer it to gzip either.
  const Weight other = any.value_or(kRefused);
  return gzip.value_or(other) > kRefused && gzip.value_or(other) >= identity.value_or(other);
}

}  // namespace metrics::http
