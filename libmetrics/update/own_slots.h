// own_slots.h -- what this process has in a joined segment: its mapped slots, the pages of them
// that are reserved, and its handles.
//
// Set-up makes one OwnSlots for each segment and publishes it by number; updates find it by that
// number. Nothing here allocates or throws. Callers of functions that change anything must hold the
// process's mutex.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "libmetrics/format/geometry.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/format/ownership.h"
#include "libmetrics/update/handles.h"
#include "libmetrics/update/segment.h"

namespace metrics::update {

class OwnSlots {
 public:
  // Memory for the state of each slot and of each page of a slot, all zeros. Set-up allocates it.
  struct Room {
    std::unique_ptr<std::atomic<format::Cell*>[]> slots;        // slot_count() of them
    std::unique_ptr<std::atomic<std::uint64_t>[]> bound_pages;  // words_of_pages() of them
  };
  static std::size_t words_of_pages(const format::Geometry& geometry) noexcept;
  OwnSlots(const Segment& segment, Room room) noexcept;
  OwnSlots(const OwnSlots&) = delete;
  OwnSlots& operator=(const OwnSlots&) = delete;
  // Unmaps what is mapped. One that was published must live until the process ends.
  ~OwnSlots();

  const Segment& segment() const noexcept { return segment_; }

  // Returns the slot's cells, mapped through `fd` if they are not yet; nullptr with errno if they
  // can't be mapped.
  format::Cell* slot(int fd, format::SlotIndex index) noexcept;
  // Returns the cells of slot 0, for updates of threads that have no slot of their own.
  format::Cell* shared_cells() const noexcept { return slots_[0].load(std::memory_order_relaxed); }

  // Binds these cells: reserves their pages in slot 0 and in every slot of this process, and makes
  // each slot that is claimed later reserve them too. Returns false with errno if there is no room;
  // then no thread may touch these cells.
  bool bind(std::uint64_t first_cell, std::uint32_t count) noexcept;
  // Returns true if these cells are bound, so that every thread may touch them in its own slot.
  bool are_bound(std::uint64_t first_cell, std::uint32_t count) const noexcept {
    const std::uint64_t cells = segment_.geometry().cells;
    if (count == 0 || count > cells || first_cell > cells - count) return false;
    const std::uint64_t last = (first_cell + count - 1) >> shift_to_page_;
    for (std::uint64_t page = first_cell >> shift_to_page_; page <= last; ++page) {
      if (!is_bound(page)) return false;
    }
    return true;
  }
  // Sets these cells to 0 in slot 0, or in a slot of this process. Returns false, and does nothing,
  // for another slot, or if the cells are not bound.
  bool clear(format::SlotIndex slot, std::uint64_t first_cell, std::uint32_t count) noexcept;
  // Reserves in that slot the pages of all bound cells, including those that the parent bound
  // before the fork. Returns false with errno if there is no room.
  bool reserve_bound(int fd, format::SlotIndex index) noexcept;

  // Adds a handle whose cells are bound, leads it there, and begins a gauge if the process has a
  // first slot. There must be room for it in handles().
  void add(const Handles::Handle& handle, std::uint64_t born, std::uint64_t place) noexcept;
  Handles& handles() noexcept { return handles_; }

  // The state word of a series that was given an exemplar, and has no place for any; nullptr: there
  // was none. For set-up calls, which log it.
  std::atomic<const format::Cell*> unplaced{nullptr};

 private:
  friend void publish(std::uint32_t index, OwnSlots* own) noexcept;
  static constexpr std::uint64_t kPagesPerWord = 64;
  bool is_bound(std::uint64_t page) const noexcept {
    return page < pages_ && (bound_pages_[page / kPagesPerWord].load(std::memory_order_relaxed) >>
                                 (page % kPagesPerWord) &
                             1) != 0;
  }
  bool is_own(format::SlotIndex slot) const noexcept;
  bool reserve_run(int fd, format::SlotIndex index, std::uint64_t page,
                   std::uint64_t count) noexcept;
  template <class Visit>
  void each_own_slot(Visit visit) const;

  const Segment& segment_;
  // An update with an exemplar asks what is bound: divisions would take as long as all the rest.
  const std::uint64_t pages_;              // of a slot
  const unsigned shift_to_page_;           // from the number of a cell
  std::uint32_t index_ = METRICS_NOWHERE;  // until it is published
  // The mapped slots, by index; nullptr if the slot is not mapped yet.
  const std::unique_ptr<std::atomic<format::Cell*>[]> slots_;
  // A bit for each page that holds cells of a bound series, the same for all slots. Slot 0 and
  // every slot of this process have these pages reserved before a handle or a slot is given out.
  const std::unique_ptr<std::atomic<std::uint64_t>[]> bound_pages_;
  Handles handles_;
};

// Returns this process's OwnSlots in the segment with that number; nullptr if there is no such
// segment, or it could not be joined.
OwnSlots* own_slots_at(std::uint32_t index) noexcept;
// Gives `own` that number: own_slots_at(index) returns it.
void publish(std::uint32_t index, OwnSlots* own) noexcept;

}  // namespace metrics::update
