// selector.h -- selects samples by name and labels, as a user writes them.
#pragma once

#include <string>
#include <vector>

#include "aggregator/exposition/samples.h"
#include "libmetrics/reader/families.h"

namespace metrics::inspect {

// NAME or NAME{label="value",...}; or {"NAME","label"="value",...}, for names of any UTF-8.
struct Selector {
  std::string name;
  std::vector<reader::Label> labels;

  // Returns true if the selector's name is that of the sample or of its family, and the sample has
  // all labels of the selector.
  bool matches(const reader::Family& family, const exposition::Sample& sample) const;
};

// Reads a selector. If the text is not one, throws std::invalid_argument with the place of the
// mistake and an example.
Selector parse_selector(const std::string& text);

}  // namespace metrics::inspect
