// permissions.h -- who may share a segment.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>

namespace metrics::setup {

// Returns the group that may share segments, from $METRICS_GROUP; an empty optional if that is not
// set. Throws Error(METRICS_INVALID) if there is no such group.
std::optional<gid_t> shared_group();

// Throws Error unless the file is a regular one, belongs to this user or the shared group, and no
// others may write to it: a process that can write to it can harm all processes that map it.
void check_owner(const std::string& file, const struct stat& info);

}  // namespace metrics::setup
