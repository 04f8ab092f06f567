// join.h -- how a process joins a segment: opens or creates its file, checks it, maps it.
#pragma once

#include <memory>
#include <string>

#include "libmetrics/update/segment.h"
#include "metrics/metrics.h"

namespace metrics::setup {

// Joins the segment in that file. Creates the file first if there is none, as large as `wanted`.
// Throws Error.
std::unique_ptr<update::Segment> join(const std::string& file, const metrics_geometry& wanted);

// Throws the Error of a call on a joined segment that has failed with the errno `error`. Its text
// is `what` and the system's words.
[[noreturn]] void fail_joined(int error, const std::string& what);

}  // namespace metrics::setup
