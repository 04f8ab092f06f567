// definition.h -- what a family is, and the rules that its names, labels and bounds obey.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libmetrics/format/native.h"
#include "libmetrics/format/types.h"

namespace metrics::format {

struct Definition {
  Type type = Type::kCounter;
  std::string name;
  std::string help;
  std::string unit;
  std::vector<std::string> labels;
  std::vector<double> bounds;            // of a histogram, without +Inf
  Mode mode = Mode::kAll;                // of a gauge, a state set, or an info
  std::uint32_t max_series = 0;          // 0: no limit. Not a part of the family's identity
  std::optional<Native> native = {};     // of a histogram with bounds by rule
  std::vector<std::string> states = {};  // of a state set
  bool exemplars = false;                // its series have places for them. Like max_series
};

// Returns how many cells a series of the family has in each slot.
inline std::uint32_t cell_count(const Definition& d) noexcept {
  return cell_count(d.type, grid_size(d.bounds, d.native));
}

// Returns the definition as a segment stores it: a counter's name without `_total`, an info's
// without `_info`, the unit as the name's ending, a histogram's bounds without a trailing +Inf.
// Throws Error(METRICS_INVALID), whose text names what is wrong and what to write instead. The
// rules are those of https://prometheus.io/docs/concepts/data_model and of the OpenMetrics
// specification: names are any UTF-8, see escaping.h.
Definition checked(Definition given);

}  // namespace metrics::format
