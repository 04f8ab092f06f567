// names.h -- names as formats write them: escaped for servers that know only legacy names, or
// quoted.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/format/escaping.h"
#include "libmetrics/reader/families.h"

namespace metrics::exposition {

// Returns the families with all names escaped, without values: first_value still leads into those
// of the given ones. An empty optional if the names are the same already.
//
// What meets then can't both be written. Of families with a sample of one name, the one is written
// whose program has started last, which does not yield; of those of several segments, the first. A
// series with the labels of one before it is left out, too. A label that would have the name of one
// before it in its series is escaped as `values`, which no other name looks like. `left_out`, if it
// is not nullptr, gets a sentence for each such family, except for those that yield, whose segment
// tells.
std::optional<reader::Families> escaped(const reader::Families& families, format::Escaping escaping,
                                        std::vector<std::string>* left_out = nullptr);

// Appends the name of a family, quoted if it is not a legacy one.
void append_family_name(std::string& to, std::string_view name);

// Appends `name{labels}`, or `{"name",labels}` if the name is not a legacy one. `labels` are
// spelled already; without any, and with a legacy name, there are no braces.
void append_series_name(std::string& to, std::string_view name, std::string_view labels);

// Appends `a="1",b="2"`, without the braces. Names that are not legacy ones are quoted.
void append_labels(std::string& to, const std::vector<reader::Label>& labels);
void append_labels(std::string& to, const reader::Labels& labels);

}  // namespace metrics::exposition
