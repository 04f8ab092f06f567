// group.h -- the group that may share segments.
#pragma once

#include <sys/types.h>

#include <optional>

namespace metrics::format {

// Returns the group that may share segments, from $METRICS_GROUP; an empty optional if that is not
// set. Throws Error(METRICS_INVALID) if there is no such group.
std::optional<gid_t> shared_group();

}  // namespace metrics::format
