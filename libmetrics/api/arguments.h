// arguments.h -- what a C program hands over, as the library has it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmetrics/format/error.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/setup/series.h"
#include "metrics/metrics.h"

namespace metrics::api {

inline setup::Family* family_of(metrics_family* f) noexcept {
  return reinterpret_cast<setup::Family*>(f);
}
inline const setup::Family* family_of(const metrics_family* f) noexcept {
  return reinterpret_cast<const setup::Family*>(f);
}

inline const char* text_or_empty(const char* s) noexcept { return s == nullptr ? "" : s; }

// The string of that number. Throws Error(METRICS_INVALID) if it is NULL.
std::string_view text_of(const char* const* strings, std::size_t i);

// All of them. Throws Error(METRICS_INVALID) also if they are more than labels can be.
std::vector<std::string_view> views(const char* const* strings, std::size_t count);

// An info's names and values in turn, by name: labels have no order, so facts told in another one
// are the same series.
template <class String>
void sort_pairs(std::vector<String>& strings) {
  if (strings.size() % 2 != 0) throw format::Error(METRICS_INVALID, "a label name has no value");
  std::vector<std::pair<String, String>> pairs;
  for (std::size_t i = 0; i < strings.size(); i += 2)
    pairs.emplace_back(strings[i], strings[i + 1]);
  std::sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) {
    return std::string_view(a.first) < std::string_view(b.first);
  });
  for (std::size_t i = 0; i < strings.size(); ++i) {
    strings[i] = i % 2 == 0 ? pairs[i / 2].first : pairs[i / 2].second;
  }
}

// A copy of a struct that a program has filled in, all defaults for NULL. Programs may have been
// built with an older header, whose struct ends earlier, or a newer one: what that adds must be 0.
// Throws Error(METRICS_INVALID) that names the struct.
template <class Struct>
Struct taken(const Struct* given, const char* name) {
  Struct result{};
  if (given == nullptr) return result;
  if (given->size < sizeof given->size) {
    throw format::Error(METRICS_INVALID, std::string(name) + " has the size " +
                                             std::to_string(given->size) + "; set it to sizeof(" +
                                             name + ')');
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  if (given->size > sizeof result &&
      std::any_of(bytes + sizeof result, bytes + given->size, [](unsigned char b) { return b; })) {
    throw format::Error(METRICS_INVALID, std::string(name) +
                                             " sets what this version of the library does not know "
                                             "(" METRICS_VERSION "); use the newer library");
  }
  std::memcpy(&result, given, std::min(given->size, sizeof result));
  return result;
}

}  // namespace metrics::api
