// slow_path.h -- updates of threads that have no slot yet, or none at all, and of values that need
// a second look.
//
// Out of line, so that what they need is saved only here. Nothing here allocates or throws.
#pragma once

#include <cstdint>

#include "libmetrics/update/gauges.h"
#include "metrics/hot.h"

namespace metrics::update {

void inc_slowly(const metrics_counter& counter, std::uint64_t n) noexcept;
void add_slowly(const metrics_counter& counter, double amount) noexcept;
void observe_slowly(const metrics_histogram& histogram, double value) noexcept;

// The gauge, with a place to write to; nullptr if the update must be dropped.
Gauge* placed(metrics_gauge* gauge) noexcept;

}  // namespace metrics::update
