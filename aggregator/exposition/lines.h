// lines.h -- what stands in the lines of a series beside its labels and its numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/exposition/padded_text.h"
#include "libmetrics/reader/families.h"

namespace metrics::exposition {

// A line is `before`, the series' labels, `after`, and the number. Of both, where they stand in
// Lines::text, and how long they are.
struct Line {
  std::uint32_t before = 0, before_size = 0, after = 0, after_size = 0;
  std::size_t size() const noexcept { return std::size_t{before_size} + after_size; }
};

// The lines of a series, in the order of each_sample().
struct Lines {
  PaddedText text;
  std::vector<Line> samples;
  Line created;  // of the sample `_created`
};

// Not an ending: all samples of a series.
inline constexpr std::string_view kAllSamples = "*";

// Return the lines of those samples that have this ending, or of all of them: of a series that has
// labels, and of one that has none.
Lines labelled_lines(const reader::Family& family, std::string_view ending);
Lines lines_alone(const reader::Family& family, std::string_view ending);

// Returns what is written in front of each value of a series' labels, for each list of names that
// series of the chunk have.
using LabelStarts = std::vector<std::vector<std::string>>;
LabelStarts label_starts(const reader::SeriesList::Entry& entry);

// Appends a series' labels, whose names are spelled already; without braces.
void append_labels(std::string& to, const std::vector<std::string>& starts,
                   const reader::Labels& labels);

}  // namespace metrics::exposition
