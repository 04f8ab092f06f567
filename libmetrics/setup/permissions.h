// permissions.h -- who may share a segment.
#pragma once

#include <sys/stat.h>

#include <string>

namespace metrics::setup {

// Throws Error unless the file is a regular one, belongs to this user or to the group that may
// share it, and no others may write to it: a process that can write to it can harm all processes
// that map it.
void check_owner(const std::string& file, const struct stat& info);

}  // namespace metrics::setup
