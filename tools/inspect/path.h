// path.h -- which segment a user means.
#pragma once

#include <string>
#include <vector>

namespace metrics::inspect {

// Returns the segment's file for the path of --segment; if that is empty, for $METRICS_SEGMENT,
// else the default. Throws format::Error(METRICS_INVALID) for a directory, with what is in it.
std::string segment_at(const std::string& path);

// Returns the files of all segments at `path`: a segment's, those in a directory, or, if it is
// empty, those in the directory of the default segment. Complains if a directory has none.
std::vector<std::string> segments_at(const std::string& path);

}  // namespace metrics::inspect
