// arguments.h -- the arguments of a C program, turned into the library's types and checked.
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

// Returns the family's definition. Throws Error(METRICS_INVALID) if the family is NULL.
const format::Definition& definition_of(const setup::Family* family);

inline const char* text_or_empty(const char* s) noexcept { return s == nullptr ? "" : s; }

// Returns strings[i]. Throws Error(METRICS_INVALID) if it, or the array, is NULL.
std::string_view text_of(const char* const* strings, std::size_t i);

// Returns all strings. Throws Error(METRICS_INVALID) if one is NULL, or there are more than names
// and values of labels can be.
std::vector<std::string_view> views(const char* const* strings, std::size_t count);

// Sorts an info's names and values, which stand in turn, by name. Labels have no order, so the same
// ones stated in another order are the same series. Throws Error(METRICS_INVALID) if the last name
// has no value.
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

// Returns a copy of a struct that a program has filled in; for NULL, one with all defaults. A
// program may have been built with an older header, whose struct is shorter, or with a newer one,
// whose additional fields must be 0. Throws Error(METRICS_INVALID) with the struct's name.
template <class Struct>
Struct taken(const Struct* given, const char* name) {
  Struct result{};
  if (given == nullptr) return result;
  // No struct will ever be that large: the size was never set.
  constexpr std::size_t kMost = 4096;
  if (given->size < sizeof given->size || given->size > kMost) {
    throw format::Error(METRICS_INVALID, std::string(name) + " has the size " +
                                             std::to_string(given->size) + "; set it to sizeof(" +
                                             name + ')');
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  if (given->size > sizeof result &&
      std::any_of(bytes + sizeof result, bytes + given->size, [](unsigned char b) { return b; })) {
    throw format::Error(METRICS_INVALID, std::string(name) +
                                             " sets fields that this version of the library lacks "
                                             "(" METRICS_VERSION "); use the newer library");
  }
  std::memcpy(&result, given, std::min(given->size, sizeof result));
  return result;
}

}  // namespace metrics::api
