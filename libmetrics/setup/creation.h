// creation.h -- a new segment's file, complete before it gets its name.
#pragma once

#include <string>

#include "libmetrics/format/geometry.h"
#include "metrics/metrics.h"

namespace metrics::setup {

// Returns the geometry that a new file gets: fields that are 0 come from the environment, else from
// the defaults. Throws Error(METRICS_INVALID) with the variable's name, and the range if the number
// is outside it; and for a segment that would be too large as a whole.
metrics_geometry completed(const metrics_geometry& wanted);

// Returns in which way a segment that is there differs from what is wanted, by the caller or the
// environment, as a sentence that begins with the file's name; empty if it does not differ, or
// nothing is wanted. Throws as completed() does.
std::string difference(const metrics_geometry& wanted, const format::Geometry& there,
                       const std::string& file);

// Creates the file complete and links it to its name. Returns false if another process was first.
// Throws Error.
bool create(const std::string& file, const format::Geometry& geometry);

}  // namespace metrics::setup
