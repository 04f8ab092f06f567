#include "libmetrics/update/pending.h"

#include <limits>

#include "libmetrics/format/gauge_value.h"
#include "libmetrics/update/drops.h"
#include "libmetrics/update/gauges.h"

namespace metrics::update {
namespace {

// The encoding of a NaN that no program sets: encoded() writes another one for it.
constexpr std::uint64_t kSettled = 0x0000000073657474;

// The list of a segment whose claim was tried.
constinit PendingGauge end_of_keeping{};

std::uint64_t encoded(double value) noexcept {
  const std::uint64_t word = format::encode_gauge(value);
  return word != kSettled ? word : format::encode_gauge(std::numeric_limits<double>::quiet_NaN());
}

PendingGauge* find(PendingGauge* newest, const Gauge& gauge) noexcept {
  while (newest != nullptr && newest->gauge != &gauge) newest = newest->next;
  return newest;
}

// Takes a free one from the pool; nullptr if there is none. None is ever put back.
PendingGauge* taken_from(PendingPool& pool) noexcept {
  std::uint32_t used = pool.used.load(std::memory_order_relaxed);
  while (used < pool.gauges.size()) {
    if (pool.used.compare_exchange_weak(used, used + 1, std::memory_order_relaxed,
                                        std::memory_order_relaxed)) {
      return &pool.gauges[used];
    }
  }
  return nullptr;
}

}  // namespace

// A gauge has one entry at most: who adds one has seen the whole list and links in front of what it
// has seen. The entry's value goes from one to the next by compare-and-swap until settle() has
// stored kSettled, so that no value comes in between settle()'s last set() and the end.
PendingGauges::Kept PendingGauges::keep(PendingPool& pool, Gauge& gauge, Change change,
                                        double value) noexcept {
  const auto changed = [&](std::uint64_t word) {
    const double before = format::decode_gauge(word).value_or(0);
    return encoded(change == Change::kSet ? value : before + value);
  };
  PendingGauge* mine = nullptr;
  // Acquire: pairs with the releases below and in settle().
  PendingGauge* newest = newest_.load(std::memory_order_acquire);
  for (;;) {
    if (newest == &end_of_keeping) return Kept::kSettled;
    if (PendingGauge* there = find(newest, gauge); there != nullptr) {
      std::uint64_t word = there->value.load(std::memory_order_acquire);
      do {
        if (word == kSettled) return Kept::kSettled;
      } while (!there->value.compare_exchange_weak(word, changed(word), std::memory_order_acq_rel,
                                                   std::memory_order_acquire));
      return Kept::kYes;
    }
    if (mine == nullptr) mine = taken_from(pool);
    if (mine == nullptr) return Kept::kNoRoom;
    mine->gauge = &gauge;
    mine->value.store(changed(0), std::memory_order_relaxed);
    mine->next = newest;
    // Release: pairs with the acquires above. Sequentially consistent: see place_pending().
    if (newest_.compare_exchange_strong(newest, mine, std::memory_order_seq_cst,
                                        std::memory_order_acquire)) {
      return Kept::kYes;
    }
  }
}

bool PendingGauges::empty() const noexcept {
  const PendingGauge* newest = newest_.load(std::memory_order_seq_cst);  // see place_pending()
  return newest == nullptr || newest == &end_of_keeping;
}

std::optional<double> PendingGauges::of(const Gauge& gauge, bool& is_settled) const noexcept {
  PendingGauge* newest = newest_.load(std::memory_order_acquire);
  is_settled = newest == &end_of_keeping;
  const PendingGauge* there = is_settled ? nullptr : find(newest, gauge);
  if (there == nullptr) return std::nullopt;
  const std::uint64_t word = there->value.load(std::memory_order_acquire);
  is_settled = word == kSettled;
  return is_settled ? std::nullopt : format::decode_gauge(word);
}

void PendingGauges::settle(Outcome outcome, const Segment& segment) noexcept {
  PendingGauge* settled = nullptr;  // this entry, and those after it in the list
  PendingGauge* newest = newest_.load(std::memory_order_acquire);
  while (newest != &end_of_keeping) {
    for (PendingGauge* p = newest; p != settled; p = p->next) {
      std::uint64_t word = p->value.load(std::memory_order_acquire);
      do {
        const auto value = format::decode_gauge(word);
        if (outcome == Outcome::kClaimed && value) p->gauge->set(*value);
        // Release: a thread that finds kSettled finds the gauge begun, and sets it after this.
      } while (!p->value.compare_exchange_weak(word, kSettled, std::memory_order_acq_rel,
                                               std::memory_order_acquire));
      if (outcome == Outcome::kFailed) {
        drop(segment, format::Drop::kGaugeWithoutSlot, {p->gauge->family()});
      }
    }
    settled = newest;
    if (newest_.compare_exchange_strong(newest, &end_of_keeping, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
      break;
    }
  }
}

}  // namespace metrics::update
