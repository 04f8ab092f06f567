#include "libmetrics/update/gauges.h"

#include <algorithm>
#include <cstddef>

#include "libmetrics/format/clock.h"
#include "libmetrics/format/gauge_value.h"

namespace metrics::core {
namespace {

using layout::Mode;

// The word may hold what the last owner has left, so that the process's own value stands beside it.
bool has_own(Mode mode) {
  return mode == Mode::kMin || mode == Mode::kMax || mode == Mode::kMostRecent;
}

double winner(Mode mode, double mine, double inherited) {
  if (mode == Mode::kMin) return std::min(mine, inherited);
  if (mode == Mode::kMax) return std::max(mine, inherited);
  return mine;
}

}  // namespace

Gauge::Gauge(std::uint32_t at, std::uint64_t cell, Mode m) noexcept
    : metrics_gauge{at, 0, nullptr}, first_cell(cell), mode(m) {}

layout::Cell& Gauge::value_cell() noexcept { return *__atomic_load_n(&value_, __ATOMIC_ACQUIRE); }

void Gauge::begin(layout::Cell* cells, Generation generation) noexcept {
  layout::Cell* mine = cells + first_cell;
  inherited_.reset();
  own_.store(0, std::memory_order_relaxed);
  if (mine[layout::kGaugeGeneration].load(std::memory_order_relaxed) != generation) {
    if (is_live(mode) || is_per_process(mode)) {
      mine[layout::kGaugeValue].store(0, std::memory_order_relaxed);
      mine[layout::kGaugeStamp].store(0, std::memory_order_relaxed);
    } else {
      inherited_ = decode_gauge(mine[layout::kGaugeValue].load(std::memory_order_relaxed));
    }
    // Release: who copies this generation and then the value does not copy the predecessor's value.
    mine[layout::kGaugeGeneration].store(generation, std::memory_order_release);
  }
  // Release: pairs with value_cell()'s acquire; a thread that sees the cell sees inherited_ and own_.
  layout::Cell* value = mine + layout::kGaugeValue;
  __atomic_store_n(&value_, value, __ATOMIC_RELEASE);
  const bool plain = !has_own(mode) && !is_most_recent(mode) && mode != Mode::kSum;
  // Release: pairs with metrics_hot_set()'s acquire.
  if (plain) __atomic_store_n(&word, reinterpret_cast<std::uint64_t*>(value), __ATOMIC_RELEASE);
}

// Several threads may be here: each stores what it has combined and looks again. Sequentially consistent, so
// that of two that changed own_ the later one's combination is stored last, or the earlier one sees own_ changed.
void Gauge::publish_own() noexcept {
  layout::Cell& shared = value_cell();
  std::uint64_t own = own_.load(std::memory_order_seq_cst);
  for (;;) {
    const double mine = decode_gauge(own).value_or(0);
    shared.store(encode_gauge(winner(mode, mine, inherited_.value_or(mine))),
                 std::memory_order_seq_cst);
    const std::uint64_t again = own_.load(std::memory_order_seq_cst);
    if (again == own) return;
    own = again;
  }
}

// Never backwards: a stamp that a stepped clock has left in the future stays.
void Gauge::stamp() noexcept {
  layout::Cell& cell = *(&value_cell() + (layout::kGaugeStamp - layout::kGaugeValue));
  const std::uint64_t now = now_ns();
  std::uint64_t seen = cell.load(std::memory_order_relaxed);
  while (seen < now) {
    // Release: who sees the stamp sees the value that it is for, or a later one.
    if (cell.compare_exchange_weak(seen, now, std::memory_order_release,
                                   std::memory_order_relaxed)) {
      return;
    }
  }
}

void Gauge::set(double value) noexcept {
  if (has_own(mode)) {
    own_.store(encode_gauge(value), std::memory_order_seq_cst);
    publish_own();
  } else {
    const double start = mode == Mode::kSum ? inherited_.value_or(0) : 0;
    value_cell().store(encode_gauge(start + value), std::memory_order_relaxed);
  }
  if (is_most_recent(mode)) stamp();
}

void Gauge::add(double amount) noexcept {
  layout::Cell& target = has_own(mode) ? own_ : value_cell();
  std::uint64_t seen = target.load(std::memory_order_relaxed);
  while (!target.compare_exchange_weak(seen, encode_gauge(decode_gauge(seen).value_or(0) + amount),
                                       std::memory_order_seq_cst, std::memory_order_relaxed)) {
  }
  if (has_own(mode)) publish_own();
  if (is_most_recent(mode)) stamp();
}

}  // namespace metrics::core
