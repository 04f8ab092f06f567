// name.h -- how a segment's file is named, and where programs look for it.
#pragma once

#include <string>
#include <vector>

namespace metrics::format {

// Returns the name of a segment's file: `path` (if empty, $METRICS_SEGMENT, else the user's
// default), absolute, with the format's version at its end.
std::string segment_file(const std::string& path);

// Returns the path in $METRICS_SEGMENT; empty if the variable is empty, not set, or may not be
// trusted (secure_getenv(3)).
std::string segment_variable();
// Returns the ending of the names of all segments of this version.
std::string segment_ending();

// Returns the value of an environment variable; nullptr if it is empty, not set, or may not be
// trusted (secure_getenv(3)).
const char* environment(const char* name);

// Returns the segments' files in a directory, sorted; empty if the directory can't be read.
std::vector<std::string> segment_files_in(const std::string& directory);

}  // namespace metrics::format
