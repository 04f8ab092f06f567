#include "libmetrics/update/gauges.h"

#include <cmath>
#include <limits>

#include "libmetrics/format/clock.h"
#include "libmetrics/format/gauge_value.h"

namespace metrics::update {
namespace {

using format::Mode;

// Returns true for modes in which the shared word may hold what the last owner has left, so that
// the process keeps its own value in own_.
bool has_own(Mode mode) {
  return mode == Mode::kMin || mode == Mode::kMax || mode == Mode::kMostRecent;
}

// Compares without a floating-point exception for NaN: see metrics_hot_may_add().
double winner(Mode mode, double mine, double inherited) {
  if (mode == Mode::kMin) return std::isless(inherited, mine) ? inherited : mine;
  if (mode == Mode::kMax) return std::isless(mine, inherited) ? inherited : mine;
  return mine;
}

std::uint32_t in_32_bits(std::uint64_t number) {
  return number <= std::numeric_limits<std::uint32_t>::max() ? static_cast<std::uint32_t>(number)
                                                             : 0;
}

}  // namespace

Gauge::Gauge(Mode m, format::Offset family, std::size_t count) noexcept
    : metrics_gauge{METRICS_NOWHERE, nullptr},
      mode(m),
      states(static_cast<std::uint16_t>(count)),
      family_words(in_32_bits(family / sizeof(format::Cell))) {}

format::Cell* Gauge::value_cell() const noexcept {
  return __atomic_load_n(&value_, __ATOMIC_ACQUIRE);
}

std::optional<double> Gauge::inherited() const noexcept {
  return format::decode_gauge(inherited_.load(std::memory_order_relaxed));
}

void Gauge::begin(format::Cell* mine, format::Generation generation,
                  std::uint32_t version) noexcept {
  std::uint64_t inherited = 0;
  const std::uint64_t first = handed_down_.load(std::memory_order_relaxed);
  own_.store(first, std::memory_order_relaxed);
  const std::uint64_t life = format::GaugeWord{version, generation}.word();
  const std::uint64_t there = mine[format::kGaugeGeneration].load(std::memory_order_relaxed);
  if (there != life) {
    const bool is_left = format::GaugeWord::of(there).version == version &&
                         !format::is_live(mode) && !format::is_per_process(mode);
    if (is_left) {
      inherited = mine[format::kGaugeValue].load(std::memory_order_relaxed);
    } else {
      mine[format::kGaugeValue].store(first, std::memory_order_relaxed);
      mine[format::kGaugeStamp].store(0, std::memory_order_relaxed);
    }
    // Release: a reader that copies this generation and then the value does not get the
    // predecessor's value. Pairs with the acquire in reader/gauge_merge.cpp.
    mine[format::kGaugeGeneration].store(life, std::memory_order_release);
  }
  inherited_.store(inherited, std::memory_order_relaxed);
  // Release: pairs with value_cell()'s acquire; a thread that sees the cell sees inherited_ and
  // own_.
  format::Cell* value = mine + format::kGaugeValue;
  __atomic_store_n(&value_, value, __ATOMIC_RELEASE);
  const bool plain = !has_own(mode) && !format::is_most_recent(mode) && mode != Mode::kSum;
  // Release: pairs with metrics_hot_set()'s acquire.
  if (plain) __atomic_store_n(&word, reinterpret_cast<std::uint64_t*>(value), __ATOMIC_RELEASE);
  if (first == 0 || !has_own(mode)) return;
  publish_own(*value);
  if (format::is_most_recent(mode)) stamp(*value);
}

void Gauge::end() noexcept {
  __atomic_store_n(&word, nullptr, __ATOMIC_RELEASE);
  __atomic_store_n(&value_, nullptr, __ATOMIC_RELEASE);
}

void Gauge::reset() noexcept {
  __atomic_store_n(&value_, nullptr, __ATOMIC_RELEASE);
  for (format::Cell* cell : {&inherited_, &handed_down_, &own_}) {
    cell->store(0, std::memory_order_relaxed);
  }
}

void Gauge::hand_down(double value) noexcept {
  handed_down_.store(format::encode_gauge(value), std::memory_order_relaxed);
}

// Stores own_, combined with the inherited value, in the shared word. Several threads may do so at
// once: each stores what it has combined and then looks at own_ again. Sequentially consistent, so
// that of two threads that have changed own_, either the later one's combination is stored last, or
// the earlier one sees that own_ has changed.
void Gauge::publish_own(format::Cell& shared) noexcept {
  std::uint64_t own = own_.load(std::memory_order_seq_cst);
  for (;;) {
    const double mine = format::decode_gauge(own).value_or(0);
    shared.store(format::encode_gauge(winner(mode, mine, inherited().value_or(mine))),
                 std::memory_order_seq_cst);
    const std::uint64_t again = own_.load(std::memory_order_seq_cst);
    if (again == own) return;
    own = again;
  }
}

// Raises the stamp to the current time, never back: a stamp in the future, from before the clock
// was stepped, stays.
void Gauge::stamp(format::Cell& value) noexcept {
  format::Cell& cell = *(&value + (format::kGaugeStamp - format::kGaugeValue));
  const std::uint64_t now = format::now_ns();
  std::uint64_t seen = cell.load(std::memory_order_relaxed);
  while (seen < now) {
    // Release: a reader that sees the stamp sees the value that it belongs to, or a later one.
    if (cell.compare_exchange_weak(seen, now, std::memory_order_release,
                                   std::memory_order_relaxed)) {
      return;
    }
  }
}

void Gauge::set(double value) noexcept {
  format::Cell* shared = value_cell();
  if (shared == nullptr) return;
  if (has_own(mode)) {
    own_.store(format::encode_gauge(value), std::memory_order_seq_cst);
    publish_own(*shared);
  } else {
    const double start = mode == Mode::kSum ? inherited().value_or(0) : 0;
    shared->store(format::encode_gauge(start + value), std::memory_order_relaxed);
  }
  if (format::is_most_recent(mode)) stamp(*shared);
}

void Gauge::add(double amount) noexcept {
  format::Cell* shared = value_cell();
  if (shared == nullptr) return;
  format::Cell& target = has_own(mode) ? own_ : *shared;
  std::uint64_t seen = target.load(std::memory_order_relaxed);
  while (!target.compare_exchange_weak(
      seen, format::encode_gauge(format::decode_gauge(seen).value_or(0) + amount),
      std::memory_order_seq_cst, std::memory_order_relaxed)) {
  }
  if (has_own(mode)) publish_own(*shared);
  if (format::is_most_recent(mode)) stamp(*shared);
}

std::optional<double> Gauge::own_value() const noexcept {
  const format::Cell* shared = value_cell();
  if (shared == nullptr) return std::nullopt;
  const format::Cell& cell = has_own(mode) ? own_ : *shared;
  const auto value = format::decode_gauge(cell.load(std::memory_order_relaxed));
  return value && mode == Mode::kSum ? *value - inherited().value_or(0) : value;
}

}  // namespace metrics::update
