// slow_path.h -- updates of threads that have no slot yet, or can't get one, and updates with
// values that need a second look.
//
// They are out of line, so that only they save the registers that they need. Nothing here allocates
// or throws.
#pragma once

#include <cstddef>
#include <cstdint>

#include "metrics/hot.h"

namespace metrics::update {

void inc_slowly(const metrics_counter& counter, std::uint64_t n) noexcept;
void add_slowly(const metrics_counter& counter, double amount) noexcept;
void observe_slowly(const metrics_histogram& histogram, double value) noexcept;

// For any gauge, and for NULL. If the process has no slot yet, the value is kept until it has one.
void set_slowly(metrics_gauge* gauge, double value) noexcept;
void add_slowly(metrics_gauge* gauge, double amount) noexcept;
// For the gauge of a state set, and for NULL. A state that its family does not have is counted as
// dropped.
void set_state(metrics_gauge* gauge, std::size_t state) noexcept;

}  // namespace metrics::update
