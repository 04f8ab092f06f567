// json.h -- merged families as JSON, for tools and pages; not an exposition format.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "libmetrics/reader/families.h"

namespace metrics::exposition {

// Keeps an object's members in the order in which they were added.
using Json = nlohmann::ordered_json;

// Returns {"label": "value", ...}.
Json labels_json(const std::vector<reader::Label>& labels);

// Returns [{"name", "type", "help", "unit", "series": [{"labels": {...},
//   "samples": [{"name", "labels", "value"}, ...]}, ...]}, ...].
// A sample's value is a string, as a text format spells it: JSON has no infinity, and programs that
// read it round whole numbers above 2^53.
Json families_json(const reader::Families& families);

// Returns the JSON as indented text. Bytes that are not UTF-8 become U+FFFD.
std::string text_of(const Json& json);

}  // namespace metrics::exposition
