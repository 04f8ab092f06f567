// creation.h -- a new segment's file, complete before it gets its name.
#pragma once

#include <string>

#include "libmetrics/format/geometry.h"
#include "metrics/metrics.h"

namespace metrics::setup {

// Returns the geometry that a new file gets: fields that are 0 come from the environment, else from
// the defaults. Throws Error(METRICS_INVALID) with the variable's name, and the range if the number
// is outside it.
metrics_geometry completed(const metrics_geometry& wanted);

// Creates the file complete and links it to its name. Returns false if another process was first.
// Throws Error.
bool create(const std::string& file, const format::Geometry& geometry);

}  // namespace metrics::setup
