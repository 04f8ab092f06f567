// json.h -- merged families as JSON, for tools and pages; not an exposition format.
#pragma once

#include <nlohmann/json.hpp>

#include "aggregator/exposition/bucket_list.h"
#include "aggregator/exposition/samples.h"
#include "libmetrics/reader/families.h"

namespace metrics::exposition {

// Keeps an object's members in the order in which they were added.
using Json = nlohmann::ordered_json;

// Returns {"name", "labels": {"label": "value", ...}, "value"}. The value is a string, as a text
// format spells it: JSON has no infinity, and programs that read it round whole numbers above 2^53.
Json sample_json(const Sample& sample);

// Returns {"name", "labels": {...}, "bucket": "(0.25,0.5]", "lower": "0.25", "upper": "0.5",
//   "count": "3"}, of the family and labels that the sample has.
Json bucket_json(const Sample& sample, const ListedBucket& bucket);

// Returns {"name", "labels": {...}, "exemplar": {"labels": {...}, "value": "0.25",
//   "timestamp": "1520430000.123"}}, of the family and labels that the sample has.
Json exemplar_json(const Sample& sample, const reader::Exemplar& exemplar);

// Returns {"labels": {...}, "samples": [sample_json(), ...]}. A series of a histogram with native
// buckets also has "native_buckets": [{"bucket", "lower", "upper", "count"}, ...], and one with
// exemplars has "exemplars": [{"labels", "value", "timestamp"}, ...], in ascending order of values.
Json series_json(const reader::Families& families, const reader::Family& family,
                 const reader::Series& series);

// Returns {"name", "type", "help", "unit"}.
Json family_json(const reader::Family& family);

// Returns [family_json() with "series": [series_json(), ...], ...].
Json families_json(const reader::Families& families);

// Returns the JSON as indented text. Bytes that are not UTF-8 become U+FFFD; all characters that a
// terminal obeys are escaped, also those that JSON allows as they are.
std::string text_of(const Json& json);

// Returns the same in one line, for programs.
std::string line_of(const Json& json);

}  // namespace metrics::exposition
