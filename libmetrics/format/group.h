// group.h -- the group that may share segments.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace metrics::format {

// Returns the group that may share segments, from $METRICS_GROUP; an empty optional if that is not
// set. Throws Error(METRICS_INVALID) if there is no such group.
std::optional<gid_t> shared_group();

// Returns the group that may share the segment `file`: $METRICS_GROUP or, if that is not set, the
// group of the file's folder, if the folder is made for a group: setgid, writable for its group and
// for no others. An empty optional if neither names one. Throws as shared_group() does.
std::optional<gid_t> shared_group(const std::string& file);

}  // namespace metrics::format
