#include "libmetrics/format/types.h"

#include <array>

namespace metrics::format {
namespace {

constexpr std::array<std::string_view, 6> kEndings = {"_total", "_created", "_count",
                                                      "_sum",   "_bucket",  "_info"};

}  // namespace

std::vector<std::string> sample_names(Type type, std::string_view name) {
  std::vector<std::string_view> endings = {""};
  switch (type) {
    case Type::kCounter:
      endings.insert(endings.end(), {"_total", "_created"});
      break;
    case Type::kGauge:
      break;
    case Type::kHistogram:
      endings.insert(endings.end(), {"_bucket", "_count", "_sum", "_created"});
      break;
    case Type::kSummary:
      endings.insert(endings.end(), {"_count", "_sum", "_created"});
      break;
    case Type::kInfo:
      endings.insert(endings.end(), {"_info"});
      break;
  }
  std::vector<std::string> names;
  for (const std::string_view ending : endings) names.push_back(std::string(name).append(ending));
  return names;
}

std::string_view stem(std::string_view name) noexcept {
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view ending : kEndings) {
      if (name.ends_with(ending)) {
        name.remove_suffix(ending.size());
        again = true;
      }
    }
  }
  return name;
}

std::string_view to_string(Type type) noexcept {
  switch (type) {
    case Type::kCounter:
      return "counter";
    case Type::kGauge:
      return "gauge";
    case Type::kHistogram:
      return "histogram";
    case Type::kSummary:
      return "summary";
    case Type::kInfo:
      return "info";
  }
  return "unknown";
}

std::string_view to_string(Mode mode) noexcept {
  constexpr std::array<std::string_view, kModeCount> kNames = {
      "all",     "liveall", "sum",     "livesum",    "min",
      "livemin", "max",     "livemax", "mostrecent", "livemostrecent"};
  const auto i = static_cast<std::size_t>(mode);
  return i < kNames.size() ? kNames[i] : "unknown";
}

}  // namespace metrics::format
