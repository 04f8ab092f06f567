// identity.h -- when two sets of labels are one: labels have no order, and an empty value is the
// same as no label (https://prometheus.io/docs/concepts/data_model).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/reader/families.h"

namespace metrics::reader {

// Returns a text that is the same for labels that are one, and differs for others.
std::string identity_of(std::span<const Label> labels);
std::string identity_of(const Labels& labels);

// Renames a label of that name, so that another one can have the name: it gets "exported_" before
// it, repeatedly, until the name is free, as with Prometheus.
void move_aside(std::vector<Label>& labels, std::string_view name);

}  // namespace metrics::reader
