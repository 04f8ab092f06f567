// slow_path.h -- updates of threads that have no slot yet, or can't get one, and updates with
// values that need a second look.
//
// They are out of line, so that only they save the registers that they need. Nothing here allocates
// or throws.
#pragma once

#include <cstdint>

#include "libmetrics/update/gauges.h"
#include "metrics/hot.h"

namespace metrics::update {

void inc_slowly(const metrics_counter& counter, std::uint64_t n) noexcept;
void add_slowly(const metrics_counter& counter, double amount) noexcept;
void observe_slowly(const metrics_histogram& histogram, double value) noexcept;

// Returns the gauge if its process has a slot to write it to. Else counts a drop and returns
// nullptr; nullptr also for a gauge that counts nothing.
Gauge* placed(metrics_gauge* gauge) noexcept;

}  // namespace metrics::update
