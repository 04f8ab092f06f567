// samples.h -- merged families as the samples of an exposition, and which of them a selector means.
#pragma once

#include <string>
#include <vector>

#include "libmetrics/reader/families.h"

namespace metrics::inspect {

struct Sample {
  std::string name;
  std::vector<reader::Label> labels;
  std::string value;  // as an exposition spells it
};

// In the order and with the names of the text exposition.
std::vector<Sample> samples_of(const reader::Families& families, const reader::Family& family,
                               const reader::Series& series);

// `name{label="value",...}`, as an exposition has it.
std::string spelled(const Sample& sample);

// NAME or NAME{label="value",...}.
struct Selector {
  std::string name;
  std::vector<reader::Label> labels;

  // The sample's name is the selector's, or the family's, and it has all labels of the selector.
  bool matches(const reader::Family& family, const Sample& sample) const;
};

// Throws std::invalid_argument that shows where the text is no selector, and an example of one.
Selector parse_selector(const std::string& text);

}  // namespace metrics::inspect
