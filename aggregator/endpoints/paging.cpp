#include "aggregator/endpoints/paging.h"

#include <charconv>
#include <stdexcept>
#include <system_error>

namespace metrics::endpoints {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::size_t number(const http::Request& request, std::string_view name, std::size_t otherwise,
                   std::size_t most) {
  const std::string text = parameter(request, name);
  if (text.empty()) return otherwise;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) {
    throw std::invalid_argument(std::string(name) + " must be a whole number, at most " +
                                std::to_string(most));
  }
  return value;
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

}  // namespace

bool Paging::matches(std::string_view text) const {
  return match.empty() ||
         std::search(text.begin(), text.end(), match.begin(), match.end(),
                     [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

Paging paging_of(const http::Request& request) {
  constexpr std::size_t kMostOffset = 1'000'000'000;
  return {.limit = number(request, "limit", Paging::kDefaultLimit, Paging::kMostLimit),
          .offset = number(request, "offset", 0, kMostOffset),
          .match = parameter(request, "match")};
}

void expect_parameters(const http::Request& request, const std::vector<std::string>& known) {
  for (const std::string& name : request.query_names()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    throw std::invalid_argument(
        "unknown parameter " + name +
        (known.empty() ? "; there are none here" : "; there are " + listed(known)));
  }
}

std::string parameter(const http::Request& request, std::string_view name) {
  std::vector<std::string> values = request.query_values(name);
  return values.empty() ? "" : std::move(values.back());
}

std::string choice(const http::Request& request, std::string_view name,
                   const std::vector<std::string>& choices) {
  std::string given = parameter(request, name);
  if (given.empty()) return choices.front();
  if (std::find(choices.begin(), choices.end(), given) != choices.end()) return given;
  throw std::invalid_argument(std::string(name) + " must be one of " + listed(choices));
}

}  // namespace metrics::endpoints
