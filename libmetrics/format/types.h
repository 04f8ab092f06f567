// types.h -- what there is to know of a metric type: its spelling, and the names of its samples.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/format/layout.h"

namespace metrics::format {

// Every name that the family's samples may have in any exposition format, its own name first. Two
// families conflict if they have one in common.
std::vector<std::string> sample_names(Type type, std::string_view name);

// The name without all endings that sample names may add. Families that conflict have the same
// stem: if a name is another one plus one ending, what remains after removing all endings is the
// same.
std::string_view stem(std::string_view name) noexcept;

// What the spellings in messages, the inspector and the exposition come from.
std::string_view to_string(Type type) noexcept;
std::string_view to_string(Mode mode) noexcept;

}  // namespace metrics::format
