// definitions.h -- the definitions that a selector names, and what it may have meant if it names
// none, or a label that none of them has.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "libmetrics/reader/catalogue.h"
#include "tools/inspect/selector.h"

namespace metrics::inspect {

// Returns true if the selector names the family, or one of its samples.
bool is_named(const format::FamilyView& family, const Selector& selector);
// Returns the definitions that it names, in the order of their records: indices into the
// catalogue's families.
std::vector<std::size_t> definitions_of(const reader::Catalogue& catalogue,
                                        const Selector& selector);

// Returns "it has no label "x"; its labels are a, b" for a label of the selector that none of
// these definitions has in any sample; "" if there is no such label.
std::string unknown_label(const reader::Catalogue& catalogue, const Selector& selector,
                          const std::vector<std::size_t>& definitions);

// Returns " (did you mean NAME?)" if a family or sample has a name much like the selector's; else
// "".
std::string similar_name(const reader::Catalogue& catalogue, const Selector& selector);

// Returns why no sample matches the selector, which is spelled `text`.
std::string why_no_sample(const reader::Catalogue& catalogue, const Selector& selector,
                          const std::string& text);

}  // namespace metrics::inspect
