// permissions.h -- who may share a segment.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>

namespace metrics::setup {

// The group that may share segments, by $METRICS_GROUP. Throws Error(METRICS_INVALID) if there is
// no such group.
std::optional<gid_t> shared_group();

// Throws Error unless the file is a regular one, and this user's or the shared group's alone:
// whoever may write to it can harm all processes that map it.
void check_owner(const std::string& file, const struct stat& info);

}  // namespace metrics::setup
