// paging.h -- the part of a list that a client asks for: ?limit=50&offset=100&match=text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/http/message.h"

namespace metrics::endpoints {

struct Paging {
  static constexpr std::size_t kDefaultLimit = 100, kMostLimit = 1000;

  std::size_t limit = kDefaultLimit;
  std::size_t offset = 0;
  std::string match = {};  // entries that hold this text, in any case; empty: all do

  bool matches(std::string_view text) const;
  // Returns the entries of that page.
  template <class Entry>
  std::vector<Entry> page_of(const std::vector<Entry>& all) const {
    const std::size_t first = std::min(offset, all.size());
    const std::size_t last = first + std::min(limit, all.size() - first);
    using Difference = typename std::vector<Entry>::difference_type;
    return {all.begin() + static_cast<Difference>(first),
            all.begin() + static_cast<Difference>(last)};
  }
};

// Reads the parameters. Throws std::invalid_argument, with one line, for a number that can't be.
Paging paging_of(const http::Request& request);

// Throws std::invalid_argument, with one line that names it and those that are known, if the query
// has another parameter than these.
void expect_parameters(const http::Request& request, const std::vector<std::string>& known);

// Returns the last value of the parameter, empty if it is missing.
std::string parameter(const http::Request& request, std::string_view name);

// Returns the parameter, or the first of the choices if it is missing. Throws
// std::invalid_argument, with one line that names the choices, if it is none of them.
std::string choice(const http::Request& request, std::string_view name,
                   const std::vector<std::string>& choices);

}  // namespace metrics::endpoints
