#include "aggregator/external_url.h"

#include <algorithm>
#include <stdexcept>

namespace metrics::aggregator {
namespace {

// Characters that need no escape in a path, in HTML and in JSON.
bool plain(std::string_view text, std::string_view also) noexcept {
  return std::all_of(text.begin(), text.end(), [also](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           also.find(c) != std::string_view::npos;
  });
}

}  // namespace

ExternalUrl parse_external_url(std::string_view given) {
  if (given.empty()) return {};
  const auto refuse = [] {
    throw std::invalid_argument(
        "must be a URL without query, e.g. https://metrics.example.org/workers");
  };
  const std::size_t colon = given.find("://");
  const std::string_view scheme = given.substr(0, colon);
  if (colon == std::string_view::npos || (scheme != "http" && scheme != "https")) refuse();
  const std::string_view rest = given.substr(colon + 3);
  const std::string_view authority = rest.substr(0, rest.find('/'));
  std::string_view path = rest.substr(authority.size());
  if (authority.empty() || !plain(authority, ".-_:[]") || !plain(path, "/.-_~")) refuse();
  while (path.ends_with('/')) path.remove_suffix(1);
  return {std::string(scheme), std::string(authority), std::string(path)};
}

}  // namespace metrics::aggregator
