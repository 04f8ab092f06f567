// threads.h -- how a thread comes by a slot at its first update, and what happens when it has none.
#pragma once

#include <cstdint>

#include "libmetrics/format/layout.h"

namespace metrics::update {

// The calling thread's own slot in that segment, nullptr if it has none and is to add to slot 0.
// The first call of a thread in a process makes one bounded attempt to get one: signals blocked,
// without malloc. Its failure is remembered until the next fork.
format::Cell* own_cells(std::uint32_t segment) noexcept;

// Slot 0, to which many processes and threads add at once; nullptr where nothing is counted.
format::Cell* shared_cells(std::uint32_t segment) noexcept;

// True if the process has a first slot, so that its gauges have a place.
bool owns_first_slot(std::uint32_t segment) noexcept;

void count_drop(std::uint32_t segment, format::Drop reason) noexcept;

// Prepares giving slots back when threads end. False if all pthread keys are in use. Called when
// the library is loaded; set-up calls it before it hands out the first handle.
bool watch_thread_ends() noexcept;

}  // namespace metrics::update
