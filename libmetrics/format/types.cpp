#include "libmetrics/format/types.h"

namespace metrics::format {
namespace {

// Removes one ending of sample names. Returns false if the name has none of them.
bool shorten(std::string_view& name) noexcept {
  const auto has = [&name](std::string_view ending) {
    if (ending.empty() || !name.ends_with(ending)) return false;
    name.remove_suffix(ending.size());
    return true;
  };
  for (const TypeRow& row : kTypes) {
    for (const std::string_view ending : row.sample_endings) {
      if (has(ending)) return true;
    }
  }
  return has(kCreatedEnding);
}

}  // namespace

std::vector<std::string> sample_names(Type type, std::string_view name) {
  std::vector<std::string> names = {std::string(name)};
  for (const std::string_view ending : sample_endings(type)) {
    if (!ending.empty()) names.push_back(std::string(name).append(ending));
  }
  if (row_of(type).has_created) names.push_back(std::string(name).append(kCreatedEnding));
  return names;
}

std::string_view stem(std::string_view name) noexcept {
  while (shorten(name)) {
  }
  return name;
}

std::string_view to_string(Type type) noexcept {
  const TypeRow* row = find_row(type);
  return row == nullptr ? "unknown" : row->name;
}

std::string_view to_string(Mode mode) noexcept {
  constexpr std::array<std::string_view, kModeCount> kNames = {
      "all",     "liveall", "sum",     "livesum",    "min",
      "livemin", "max",     "livemax", "mostrecent", "livemostrecent"};
  const auto i = static_cast<std::size_t>(mode);
  return i < kNames.size() ? kNames[i] : "unknown";
}

}  // namespace metrics::format
