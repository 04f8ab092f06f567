// own_slots.h -- what this process has in a joined segment: its slots, mapped; which pages of them
// are reserved; and its gauges.
//
// Set-up makes one for each segment and publishes it by number; updates find it by that number.
// Nothing here allocates or throws. Functions that change anything are called with the process's
// mutex held.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "libmetrics/format/geometry.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/format/ownership.h"
#include "libmetrics/update/gauges.h"
#include "libmetrics/update/segment.h"

namespace metrics::update {

class OwnSlots {
 public:
  // Memory for what there is to know of each slot and each page of a slot, all zeros.
  struct Room {
    std::unique_ptr<std::atomic<format::Cell*>[]> slots;        // slot_count() of them
    std::unique_ptr<std::atomic<std::uint64_t>[]> bound_pages;  // words_of_pages() of them
  };
  static std::size_t words_of_pages(const format::Geometry& geometry) noexcept;
  OwnSlots(const Segment& segment, std::uint32_t index, Room room) noexcept;

  const Segment& segment() const noexcept { return segment_; }

  // The slot, mapped; nullptr with errno if it can't be.
  format::Cell* slot(int fd, format::SlotIndex index) noexcept;
  // Slot 0, for updates of threads that have no slot of their own.
  format::Cell* shared_cells() const noexcept { return slots_[0].load(std::memory_order_relaxed); }

  // Reserves the pages of these cells in slot 0 and in every slot of this process, and has each
  // slot that is claimed later reserve them too. False with errno if there is no room; then nobody
  // may touch these cells.
  bool bind(std::uint64_t first_cell, std::uint32_t count) noexcept;
  // Reserves in that slot the pages of all cells that are bound, inherited ones included. False
  // with errno.
  bool reserve_bound(int fd, format::SlotIndex index) noexcept;

  // Adds a gauge whose cells are bound, and begins it if the process has a first slot.
  void add_gauge(Gauge& gauge) noexcept;
  // Begins all gauges anew in a slot that was just claimed.
  void begin_gauges(format::Cell* cells, format::Generation generation) noexcept;

 private:
  bool reserve_run(int fd, format::SlotIndex index, std::uint64_t page,
                   std::uint64_t count) noexcept;
  template <class Visit>
  void each_own_slot(Visit visit) const;

  const Segment& segment_;
  const std::uint32_t index_;
  // By index, nullptr: not mapped yet.
  const std::unique_ptr<std::atomic<format::Cell*>[]> slots_;
  // Of all slots alike: a bit for each page that holds cells of a bound series. Every slot of this
  // process, and slot 0, has all of them reserved before a handle or a slot is given out.
  const std::unique_ptr<std::atomic<std::uint64_t>[]> bound_pages_;
  std::atomic<Gauge*> gauges_{nullptr};
};

// Those of this process by the segment's number, nullptr where no segment was joined.
OwnSlots* own_slots_at(std::uint32_t index) noexcept;
void publish(std::uint32_t index, OwnSlots* own) noexcept;

}  // namespace metrics::update
