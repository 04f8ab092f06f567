// name.h -- how a segment's file is named, and where it is looked for.
#pragma once

#include <string>
#include <vector>

namespace metrics::format {

// The name of a segment's file: `path` (empty: $METRICS_SEGMENT, else the user's default),
// absolute, with the format's version at its end.
std::string segment_file(const std::string& path);

// The path that $METRICS_SEGMENT gives; empty if it gives none, or may not be trusted
// (secure_getenv(3)).
std::string segment_variable();
// The ending that all segments of this version have.
std::string segment_ending();

// The value of an environment variable; nullptr if it is empty, not set, or may not be trusted
// (secure_getenv(3)).
const char* environment(const char* name);

// The segments' files in a directory, sorted; empty if it can't be read.
std::vector<std::string> segment_files_in(const std::string& directory);

}  // namespace metrics::format
