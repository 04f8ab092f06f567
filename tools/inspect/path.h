// path.h -- which segment a user means.
#pragma once

#include <string>

namespace metrics::inspect {

// Returns the segment's file for the path of --segment; if that is empty, for $METRICS_SEGMENT,
// else the default. Throws format::Error(METRICS_INVALID) for a directory, with what is in it.
std::string segment_at(const std::string& path);

}  // namespace metrics::inspect
