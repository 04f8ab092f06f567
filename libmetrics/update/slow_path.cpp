#include "libmetrics/update/slow_path.h"

#include <bit>
#include <cmath>

#include "libmetrics/format/layout.h"
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

std::uint64_t* cells_of(std::uint32_t segment) noexcept {
  std::uint64_t* cells = metrics_hot_cells(segment);
  return cells != nullptr ? cells : reinterpret_cast<std::uint64_t*>(own_cells(segment));
}

// Returns false for NULL, and for the handles of what was refused or not joined.
bool counts(const metrics_gauge* gauge) noexcept {
  return gauge != nullptr && gauge->segment < METRICS_MAX_SEGMENTS;
}

// Returns true if the gauge's process has a slot for it.
bool has_slot(const Gauge& gauge) noexcept {
  cells_of(gauge.segment);  // a thread's first update claims a slot for its process too
  return owns_first_slot(gauge.segment);
}

}  // namespace

void inc_slowly(const metrics_counter& c, std::uint64_t n) noexcept {
  if (std::uint64_t* own = cells_of(c.segment); own != nullptr) {
    metrics_hot_count(own + c.cell, n);
  } else if (format::Cell* shared = shared_cells(c.segment); shared != nullptr) {
    shared[c.cell].fetch_add(n, std::memory_order_relaxed);
  }
}

void add_slowly(const metrics_counter& c, double amount) noexcept {
  if (!std::isgreaterequal(amount, 0.0)) {  // NaN too, and quietly: see metrics_hot_may_add()
    count_drop(c.segment, format::Drop::kCounterNegative);
    return;
  }
  if (amount < METRICS_HOT_EXACT && std::floor(amount) == amount) {
    inc_slowly(c, static_cast<std::uint64_t>(amount));
    return;
  }
  const std::uint32_t cell = c.cell + format::kCounterFraction;
  if (std::uint64_t* own = cells_of(c.segment); own != nullptr) {
    metrics_hot_sum(own + cell, amount);
  } else if (format::Cell* shared = shared_cells(c.segment); shared != nullptr) {
    shared_sum(shared[cell], amount);
  }
}

void observe_slowly(const metrics_histogram& h, double value) noexcept {
  if (std::isnan(value)) {
    count_drop(h.segment, format::Drop::kObservationNan);
    return;
  }
  if (std::uint64_t* own = cells_of(h.segment); own != nullptr) {
    h.observe(own + h.cell, &h, value);
  } else if (format::Cell* shared = shared_cells(h.segment); shared != nullptr) {
    format::Cell* first = shared + h.cell;
    first[h.find(h.bounds, h.padded, value)].fetch_add(1, std::memory_order_relaxed);
    shared_sum(first[h.sum], value);
  }
}

void set_slowly(metrics_gauge* hot, double value) noexcept {
  if (!counts(hot)) return;
  auto& gauge = static_cast<Gauge&>(*hot);
  if (has_slot(gauge) || !keep_change(gauge, PendingGauges::Change::kSet, value)) gauge.set(value);
}

void add_slowly(metrics_gauge* hot, double amount) noexcept {
  if (!counts(hot)) return;
  auto& gauge = static_cast<Gauge&>(*hot);
  if (has_slot(gauge) || !keep_change(gauge, PendingGauges::Change::kAdd, amount)) {
    gauge.add(amount);
  }
}

}  // namespace metrics::update
