// access.h -- why a process may not open or create a segment's file, and what to do about it.
#pragma once

#include <sys/stat.h>

#include <string>

namespace metrics::format {

// Returns "belongs to user 33 and group 33, mode 0640, and this process runs as user 1000". Users
// and groups stay numbers: to look their names up can mean to ask a server, or to wait for a lock
// that a forked child has inherited.
std::string belonging(const struct stat& info);

// Returns why the segment's file could not be opened, for that errno, and what to do about it, as
// the rest of a sentence that begins with the file's name.
std::string why_unopened(const std::string& file, int error);

// Returns which directory does not let this process create the file, and what to do about it, as
// the end of a sentence; empty if the directory is not what keeps it from that.
std::string why_uncreated(const std::string& file);

}  // namespace metrics::format
