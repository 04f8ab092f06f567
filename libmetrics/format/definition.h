// definition.h -- what a family is, and the rules that its names, labels and bounds obey.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/format/layout.h"

namespace metrics::core {

using layout::Mode;
using layout::Type;

struct Definition {
  Type type = Type::kCounter;
  std::string name;
  std::string help;
  std::string unit;
  std::vector<std::string> labels;
  std::vector<double> bounds;  // of a histogram: without +Inf
  Mode mode = Mode::kAll;      // of a gauge
};

// The definition as it is kept: a counter's name without `_total`, an info's without `_info`, the unit
// as the name's ending, a histogram's bounds without a trailing +Inf. Throws Error(METRICS_INVALID)
// that says what is wrong and what to write instead. Rules: https://prometheus.io/docs/concepts/data_model
// and the OpenMetrics specification.
Definition checked(Definition given);

// Every name that the family's samples may have in any exposition format, its own name first. Two
// families conflict if they have one in common.
std::vector<std::string> sample_names(Type type, std::string_view name);

// The name without all endings that sample names may add. Families that conflict have the same stem:
// if a name is another one plus one ending, what remains after removing all endings is the same.
std::string_view stem(std::string_view name) noexcept;

// What the spellings in messages, the inspector and the exposition come from.
std::string_view to_string(Type type) noexcept;
std::string_view to_string(Mode mode) noexcept;

// `text` with every byte that is not part of valid UTF-8 replaced by U+FFFD, so that one bad byte from
// outside never costs a count or an exposition.
std::string valid_utf8(std::string_view text);

}  // namespace metrics::core
