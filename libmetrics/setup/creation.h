// creation.h -- a new segment's file, complete before it gets its name.
#pragma once

#include <string>

#include "libmetrics/format/geometry.h"
#include "metrics/metrics.h"

namespace metrics::setup {

// The geometry that a new file gets: zeros taken from the environment, else from the defaults.
// Throws Error(METRICS_INVALID) that names the variable or the field and its range.
metrics_geometry completed(const metrics_geometry& wanted);

// Creates the file complete and links it to its name. False if another process was first. Throws
// Error.
bool create(const std::string& file, const format::Geometry& geometry);

}  // namespace metrics::setup
