#include "libmetrics/update/slow_path.h"

#include <bit>
#include <cmath>
#include <optional>

#include "libmetrics/format/layout.h"
#include "libmetrics/update/claims.h"
#include "libmetrics/update/drops.h"
#include "libmetrics/update/handles.h"
#include "libmetrics/update/own_slots.h"
#include "libmetrics/update/process.h"
#include "libmetrics/update/threads.h"

namespace metrics::update {
namespace {

// Adds to a double in slot 0, to which other threads and processes add at the same time.
void shared_sum(format::Cell& cell, double amount) noexcept {
  std::uint64_t seen = cell.load(std::memory_order_relaxed);
  while (!cell.compare_exchange_weak(
      seen, std::bit_cast<std::uint64_t>(std::bit_cast<double>(seen) + amount),
      std::memory_order_relaxed, std::memory_order_relaxed)) {
  }
}

// Calls `own` with the first cell of the handle's series in the thread's own slot, or else `shared`
// with that in slot 0. The place is loaded anew where nobody can use the cells for another series
// any more: once the thread has its slot, or else while the update counts as under way and other
// processes know that this one stores to slot 0. A series that was removed before is counted
// nowhere. Unless the handle leads nowhere, it is a Counter or a Histogram.
template <class Kept, class Handle, class Own, class Shared>
void update(const Handle& handle, Own own, Shared shared) noexcept {
  const std::uint32_t segment = segment_of(handle);
  const OwnSlots* slots = own_slots_at(segment);
  if (slots == nullptr) return;
  if (own_cells(segment) != nullptr) {
    if (std::uint64_t* first = metrics_hot_first(&handle.place); first != nullptr) own(first);
    return;
  }
  const Inside inside;
  std::optional<Sharing> sharing;
  if (!is_settled(segment)) {
    sharing.emplace(slots->segment());
    const auto& kept = static_cast<const Kept&>(handle);
    const format::Cell* state = __atomic_load_n(&kept.state, __ATOMIC_ACQUIRE);
    const std::uint64_t live = __atomic_load_n(&kept.live, __ATOMIC_ACQUIRE);
    if (state->load(std::memory_order_seq_cst) != live) return;
  }
  const std::uint64_t now = __atomic_load_n(&handle.place, __ATOMIC_ACQUIRE);
  if (metrics_hot_segment(now) == segment) shared(slots->shared_cells() + (now >> 32));
}

// Counts an update of a counter or a histogram that is none, unless the handle leads nowhere.
template <class Kept, class Handle>
void refuse(const Handle& handle, format::Drop reason) noexcept {
  const Inside inside;
  const OwnSlots* slots = own_slots_at(segment_of(handle));
  if (slots == nullptr) return;
  drop(slots->segment(), reason, {record_of(static_cast<const Kept&>(handle)).family});
}

// Calls change(gauge), for which the process has a slot, unless it keeps the change for later.
template <class Do>
void change(metrics_gauge* hot, PendingGauges::Change kind, double value, Do change) noexcept {
  const std::uint32_t segment = hot == nullptr ? METRICS_NOWHERE : segment_of(*hot);
  if (segment == METRICS_NOWHERE) return;  // what was refused, removed or not joined, too
  auto& gauge = static_cast<Gauge&>(*hot);
  own_cells(segment);  // a thread's first update claims a slot for its process too
  if (!owns_first_slot(segment) && keep_change(gauge, kind, value)) return;
  std::optional<Inside> inside;
  if (!is_seen()) inside.emplace();
  change(gauge);
}

}  // namespace

void inc_slowly(const metrics_counter& c, std::uint64_t n) noexcept {
  update<Counter>(
      c, [&](std::uint64_t* own) { metrics_hot_count(own, n); },
      [&](format::Cell* shared) { shared->fetch_add(n, std::memory_order_relaxed); });
}

void add_slowly(const metrics_counter& c, double amount) noexcept {
  if (!std::isgreaterequal(amount, 0.0)) {  // NaN too, and quietly: see metrics_hot_may_add()
    refuse<Counter>(c, format::Drop::kCounterNegative);
    return;
  }
  if (amount < METRICS_HOT_EXACT && std::floor(amount) == amount) {
    inc_slowly(c, static_cast<std::uint64_t>(amount));
    return;
  }
  update<Counter>(
      c, [&](std::uint64_t* own) { metrics_hot_sum(own + format::kCounterFraction, amount); },
      [&](format::Cell* shared) { shared_sum(shared[format::kCounterFraction], amount); });
}

void observe_slowly(const metrics_histogram& h, double value) noexcept {
  if (std::isnan(value)) {
    refuse<Histogram>(h, format::Drop::kObservationNan);
    return;
  }
  update<Histogram>(
      h, [&](std::uint64_t* own) { h.observe(own, &h, value); },
      [&](format::Cell* shared) {
        shared[h.find(h.bounds, h.padded, value)].fetch_add(1, std::memory_order_relaxed);
        shared_sum(shared[h.sum], value);
      });
}

void set_slowly(metrics_gauge* hot, double value) noexcept {
  change(hot, PendingGauges::Change::kSet, value, [=](Gauge& gauge) { gauge.set(value); });
}

void add_slowly(metrics_gauge* hot, double amount) noexcept {
  change(hot, PendingGauges::Change::kAdd, amount, [=](Gauge& gauge) { gauge.add(amount); });
}

void set_state(metrics_gauge* hot, std::size_t state) noexcept {
  const std::uint32_t segment = hot == nullptr ? METRICS_NOWHERE : segment_of(*hot);
  if (segment == METRICS_NOWHERE) return;  // what was refused has no number of states
  const auto& gauge = static_cast<const Gauge&>(*hot);
  if (state >= gauge.states) {
    drop_of(gauge, segment, format::Drop::kStateUnknown);
    return;
  }
  const auto value = static_cast<double>(state);
  if (metrics_hot_set(hot, value) == 0) set_slowly(hot, value);
}

}  // namespace metrics::update
