// label_values.h -- label values as a segment holds them: valid UTF-8 of a bounded size. They come
// from outside (paths, users' names), so that whatever they are must cost neither the series nor
// the program.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace metrics::format {

// A label value as a segment holds it.
struct LabelValue {
  std::string text;
  bool cut;  // the end is missing
};

// Returns the value that stands in the segment for a given one. Each byte that is not part of valid
// UTF-8 is replaced by U+FFFD. If the value then has more than kMaxStringBytes, it is cut behind
// the last character that leaves room for the mark U+2026, which is appended. The text that is
// returned stands for itself. Takes time in proportion to kMaxStringBytes at most.
LabelValue label_value(std::string_view given);

// Returns true if the value stands in the segment as it is given.
bool is_label_value(std::string_view given) noexcept;

// Does the same as label_value() for all label values of a series.
struct LabelValues {
  std::vector<std::string> texts;
  bool cut = false;  // the end of at least one is missing
};
LabelValues label_values(std::span<const std::string_view> given);

}  // namespace metrics::format
