// pending.h -- the values of gauges that were set while the process had no first slot yet.
//
// A thread's first update may find the process's mutex taken, by a thread that registers or claims,
// or because the process was stopped meanwhile. A counter then counts in slot 0. A gauge has no
// other place than the process's slot, and may be set once and never again: its value is kept here,
// in wiped memory, and the thread that claims the slot sets it there.
//
// Lock-free, except that one thread at a time may call settle(), which holds the mutex.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "libmetrics/format/layout.h"

namespace metrics::update {

struct Gauge;
class Segment;

// All zeros, as in a wiped page: free.
struct PendingGauge {
  format::Cell value;  // encoded like a gauge's word, or kSettled
  Gauge* gauge;
  PendingGauge* next;  // in the list of its segment
};
// Those of all segments: as many as a process's page has room for.
struct PendingPool {
  std::array<PendingGauge, 32> gauges;
  std::atomic<std::uint32_t> used;
};

// The pending gauges of one segment. All zeros: there are none, and more may be kept.
class PendingGauges {
 public:
  enum class Change { kSet, kAdd };
  enum class Kept {
    kYes,
    kSettled,  // the slot was claimed meanwhile, and the gauge has begun: update it there
    kNoRoom,   // the pool is used up
  };
  // Keeps what the gauge is set to, or what is added to it.
  Kept keep(PendingPool& pool, Gauge& gauge, Change change, double value) noexcept;
  // Returns true if no value waits for a slot.
  bool empty() const noexcept;
  // Returns the value that is kept for the gauge; an empty optional if there is none. Sets
  // is_settled to true if none is kept any more.
  std::optional<double> of(const Gauge& gauge, bool& is_settled) const noexcept;

  // Ends the keeping, until the process forks. If the process has a slot now, in which its gauges
  // have begun, sets them to their values there; else the values are lost, and count as dropped. A
  // thread to which keep() returns kSettled sees all that the caller did before.
  enum class Outcome { kClaimed, kFailed };
  void settle(Outcome outcome, const Segment& segment) noexcept;

 private:
  std::atomic<PendingGauge*> newest_;
};

}  // namespace metrics::update
