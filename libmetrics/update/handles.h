// handles.h -- the handles that this process has of the series of one segment, so that those of
// removed series can be led nowhere.
//
// A removed series' cells may become another series' once no process can store to them any more. A
// process can through the handles that it has: its own, and those that it has inherited. So it
// looks, at its claim and at its set-up calls, which of them belong to a series that was removed.
//
// Nothing here allocates or throws. Callers must hold the process's mutex. All of it stands in
// ordinary memory, which a forked child inherits; of a child that is cloned in the middle of a
// change, each handle leads where it did, or nowhere.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "libmetrics/format/layout.h"
#include "libmetrics/update/gauges.h"

namespace metrics::update {

// What the library keeps of a counter's and a histogram's handle beside what an update needs. Those
// of removed series stay for as long as the process lives: at most 64 bytes each.
struct Counter : metrics_counter {
  // Of the record; holds `live` until any process has removed the series.
  const format::Cell* state;
  std::uint64_t live;
  Users users;
};
struct Histogram : metrics_histogram {
  const format::Cell* state;
  std::uint64_t live;
  Users users;
};
static_assert(sizeof(Counter) <= 64 && sizeof(Histogram) <= 64 && sizeof(Gauge) <= 64);

// Returns the number of the segment that a handle leads to at the moment.
template <class Handle>
std::uint32_t segment_of(const Handle& handle) noexcept {
  return metrics_hot_segment(__atomic_load_n(&handle.place, __ATOMIC_RELAXED));
}

// Returns the record of the series that a counter's or a histogram's handle leads to. It is that
// series' as long as the thread counts as inside of an update.
template <class Kept>
const format::SeriesRecord& record_of(const Kept& handle) noexcept {
  const format::Cell* state = __atomic_load_n(&handle.state, __ATOMIC_ACQUIRE);
  return *reinterpret_cast<const format::SeriesRecord*>(reinterpret_cast<const std::byte*>(state) -
                                                        offsetof(format::Record, state));
}

class Handles {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  struct Handle {
    const format::Cell* state;
    std::uint64_t live;
    std::uint64_t* place;  // of the handle itself
    Gauge* gauge;          // nullptr if it is none
    std::uint32_t* index;  // where this handle's index is to be kept; kNone once it leads nowhere
  };

  // Returns how many handles the memory must have room for that add() needs next; 0: none.
  std::size_t room_needed() const noexcept;
  void take_room(std::unique_ptr<Handle[]> room) noexcept;
  // Adds a handle, of a series whose record has that `born`. There must be room. The handle must
  // not lead to the series yet.
  void add(const Handle& handle, std::uint64_t born) noexcept;
  // Leads the handle with that index nowhere. The next look() counts that.
  void lead_nowhere(std::uint32_t index) noexcept;

  // Leads nowhere all handles of series that were removed before now, if the segment's clock says
  // that there may be any.
  void look(const format::Header& header) noexcept;
  // Tells that all removals up to the date `after` - 1 were looked at, and that of `after`, too.
  void looked_at(std::uint64_t after) noexcept;
  // Returns the date of the last look: handles to what was removed until then lead nowhere.
  std::uint64_t looked() const noexcept { return looked_; }
  // Returns the date up to which no thread of this process can store to a removed series any more.
  // look() and time change it. For set-up calls.
  std::uint64_t acknowledged() noexcept;
  // Returns the youngest `born` of all handles that there ever were.
  std::uint64_t youngest_born() const noexcept { return youngest_born_; }

  // Begins all gauges anew in a slot that was just claimed.
  void begin_gauges(format::Cell* cells, format::Generation generation) noexcept;

 private:
  static constexpr std::size_t kFirstRoom = 64;
  static constexpr std::size_t kRooms = 26;  // each twice as large as the one before
  Handle& at(std::uint32_t index) noexcept;
  void lead_removed_nowhere() noexcept;

  std::array<std::unique_ptr<Handle[]>, kRooms> rooms_;
  std::atomic<std::uint32_t> count_{0};
  std::uint64_t youngest_born_ = 0;
  std::uint64_t looked_ = 0;  // the clock at the last look
  std::uint64_t acknowledged_ = 0;
  bool led_ = false;  // since the last look
  // A look that threads have not seen yet, and the clock that it stands for; 0: there is none.
  // While one is waited for, later ones wait together for the next.
  std::uint64_t awaited_look_ = 0, awaited_clock_ = 0;
  bool more_ = false;
};

}  // namespace metrics::update
