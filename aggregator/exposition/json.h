// json.h -- merged families as JSON, for tools and pages; not an exposition format.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "libmetrics/reader/families.h"

namespace metrics::exposition {

// Members stand in the order in which they were written.
using Json = nlohmann::ordered_json;

// {"label": "value", ...}
Json labels_json(const std::vector<reader::Label>& labels);

// [{"name", "type", "help", "unit", "series": [{"labels": {...},
//   "samples": [{"name", "labels", "value"}, ...]}, ...]}, ...]
// A sample's value is a string, as a text format spells it: JSON has no infinity, and programs that
// read it round whole numbers above 2^53.
Json families_json(const reader::Families& families);

// The text of it, indented. Bytes that are not UTF-8 become U+FFFD.
std::string text_of(const Json& json);

}  // namespace metrics::exposition
