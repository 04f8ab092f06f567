// threads.h -- how a thread gets a slot at its first update, and what happens if it gets none.
#pragma once

#include <cstdint>
#include <optional>

#include "libmetrics/format/layout.h"
#include "libmetrics/update/gauges.h"
#include "libmetrics/update/pending.h"

namespace metrics::update {

// Returns the calling thread's own slot in that segment; nullptr if it has none and must add to
// slot 0. The first call of a thread in a process makes one bounded attempt to get a slot, with
// signals blocked and without malloc. If the process's mutex is not free within the bound, the next
// call tries again, and never waits again; any other failure is remembered until the next fork.
format::Cell* own_cells(std::uint32_t segment) noexcept;

// Gives the calling thread a place, if there is memory for one, so that seen() tells of it. For
// set-up calls; the caller must hold the mutex.
void take_place() noexcept;

// Returns true if the process has a first slot, so that its gauges have a place.
bool owns_first_slot(std::uint32_t segment) noexcept;

// Keeps the change of a gauge whose process has no first slot yet, since its mutex was not free.
// The value gets its place when a thread claims the slot: at the latest the thread that holds the
// mutex, once it has unlocked it. Counts a drop if the process could get no slot. Returns false if
// the slot was claimed meanwhile: then the caller must update the gauge.
bool keep_change(Gauge& gauge, PendingGauges::Change change, double value) noexcept;
// Returns the value that the process has set the gauge to, wherever it is kept. An empty optional
// if it has set none.
std::optional<double> gauge_value(const Gauge& gauge) noexcept;

// Claims a slot for the process where it keeps values of gauges that need one, if the mutex is
// free. Each thread that unlocks the mutex calls it afterwards: it may have kept another one from
// claiming that has set them. That one links its value and then tries the mutex, this one unlocks
// the mutex and then looks for values, all sequentially consistent: one of them sees the other.
void place_pending() noexcept;

// Returns true if the process has a slot or, without one, the shared lock, so that it may store to
// slot 0. Otherwise an update needs a Sharing.
bool is_settled(std::uint32_t segment) noexcept;

// Counts a dropped update in the segment. Does nothing if the segment was not joined.

}  // namespace metrics::update
