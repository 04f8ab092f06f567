// selector.h -- which samples a user means.
#pragma once

#include <string>
#include <vector>

#include "aggregator/exposition/samples.h"
#include "libmetrics/reader/families.h"

namespace metrics::inspect {

// NAME or NAME{label="value",...}.
struct Selector {
  std::string name;
  std::vector<reader::Label> labels;

  // The sample's name is the selector's, or the family's, and it has all labels of the selector.
  bool matches(const reader::Family& family, const exposition::Sample& sample) const;
};

// Throws std::invalid_argument that shows where the text is no selector, and an example of one.
Selector parse_selector(const std::string& text);

}  // namespace metrics::inspect
