// threads.h -- how a thread gets a slot at its first update, and what happens if it gets none.
#pragma once

#include <cstdint>

#include "libmetrics/format/layout.h"

namespace metrics::update {

// Returns the calling thread's own slot in that segment; nullptr if it has none and must add to
// slot 0. The first call of a thread in a process makes one bounded attempt to get a slot, with
// signals blocked and without malloc. If the process's mutex is not free within the bound, the next
// call tries again; any other failure is remembered until the next fork.
format::Cell* own_cells(std::uint32_t segment) noexcept;

// Returns slot 0, to which many processes and threads add at once; nullptr if the segment was not
// joined, so that nothing is counted.
format::Cell* shared_cells(std::uint32_t segment) noexcept;

// Returns true if the process has a first slot, so that its gauges have a place.
bool owns_first_slot(std::uint32_t segment) noexcept;

// Counts a dropped update in the segment. Does nothing if the segment was not joined.
void count_drop(std::uint32_t segment, format::Drop reason) noexcept;

// Prepares giving slots back when threads end. Returns false if all pthread keys are in use. Called
// when the library is loaded; set-up calls it before it hands out the first handle.
bool watch_thread_ends() noexcept;

}  // namespace metrics::update
