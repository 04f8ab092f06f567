// join.h -- how a process comes by a segment: opened, or created and opened; checked; mapped.
#pragma once

#include <memory>
#include <string>

#include "libmetrics/update/segment.h"
#include "metrics/metrics.h"

namespace metrics::setup {

// Joins the segment of that file, or creates it. Throws Error.
std::unique_ptr<update::Segment> join(const std::string& file, const metrics_geometry& wanted);

}  // namespace metrics::setup
