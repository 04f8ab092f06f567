#include "libmetrics/update/handles.h"

#include <bit>
#include <utility>

#include "libmetrics/format/gauge_value.h"
#include "libmetrics/update/process.h"

namespace metrics::update {
namespace {

struct Position {
  std::size_t room, index;
};
// The rooms are 64, 128, 256, ... handles large.
Position position_of(std::size_t index, std::size_t first_room) noexcept {
  const std::size_t size = std::bit_floor(index / first_room + 1);  // in first rooms
  return {static_cast<std::size_t>(std::countr_zero(size)), index - first_room * (size - 1)};
}

}  // namespace

Handles::Handle& Handles::at(std::uint32_t index) noexcept {
  const Position at = position_of(index, kFirstRoom);
  return rooms_[at.room][at.index];
}

std::size_t Handles::room_needed() const noexcept {
  const std::size_t room = position_of(count_.load(std::memory_order_relaxed), kFirstRoom).room;
  return rooms_[room] == nullptr ? kFirstRoom << room : 0;
}

void Handles::take_room(std::unique_ptr<Handle[]> room) noexcept {
  rooms_[position_of(count_.load(std::memory_order_relaxed), kFirstRoom).room] = std::move(room);
}

void Handles::add(const Handle& handle, std::uint64_t born) noexcept {
  // Before the handle is there: a child must not have it without this.
  if (youngest_born_ < born) youngest_born_ = born;
  const std::uint32_t index = count_.load(std::memory_order_relaxed);
  at(index) = handle;
  *handle.index = index;
  // Release: a child, however it was forked, finds a whole beginning. Pairs with the acquires
  // below.
  count_.store(index + 1, std::memory_order_release);
}

void Handles::lead_nowhere(std::uint32_t index) noexcept {
  Handle& handle = at(index);
  __atomic_store_n(handle.place, METRICS_NOWHERE, __ATOMIC_RELEASE);
  if (handle.gauge != nullptr) handle.gauge->end();
  *handle.index = kNone;
  led_ = true;
  const std::uint32_t last = count_.load(std::memory_order_relaxed) - 1;
  if (index != last) {
    handle = at(last);
    *handle.index = index;
  }
  count_.store(last, std::memory_order_release);
}

void Handles::lead_removed_nowhere() noexcept {
  for (std::uint32_t i = count_.load(std::memory_order_acquire); i > 0; --i) {
    const Handle& handle = at(i - 1);
    // Acquire: after a claim's `since`, before anything is stored through a handle.
    if (handle.state->load(std::memory_order_acquire) != handle.live) lead_nowhere(i - 1);
  }
}

void Handles::look(const format::Header& header) noexcept {
  const std::uint64_t clock = header.clock.load(std::memory_order_seq_cst);
  if (clock != looked_) {
    lead_removed_nowhere();
    looked_ = clock;
  }
  if (!std::exchange(led_, false)) return;
  const std::uint64_t look = next_look();
  if (awaited_look_ != 0) {
    more_ = true;
    return;
  }
  awaited_look_ = look;
  awaited_clock_ = looked_;
}

void Handles::looked_at(std::uint64_t after) noexcept {
  if (looked_ + 1 == after) looked_ = after;
}

std::uint64_t Handles::acknowledged() noexcept {
  if (awaited_look_ != 0 && all_seen(awaited_look_)) {
    acknowledged_ = awaited_clock_;
    awaited_look_ = 0;
    if (std::exchange(more_, false)) {
      awaited_look_ = next_look();
      seen();
      awaited_clock_ = looked_;
      return acknowledged();  // a process with one thread need not wait
    }
  }
  if (awaited_look_ == 0 && !led_) acknowledged_ = looked_;
  return acknowledged_;
}

void Handles::begin_gauges(format::Cell* cells, format::Generation generation) noexcept {
  const std::uint32_t count = count_.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Handle& handle = at(i);
    const std::uint64_t place = __atomic_load_n(handle.place, __ATOMIC_RELAXED);
    if (handle.gauge == nullptr || metrics_hot_segment(place) == METRICS_NOWHERE) continue;
    handle.gauge->begin(cells + (place >> 32), generation, format::gauge_version(handle.live));
  }
}

}  // namespace metrics::update
