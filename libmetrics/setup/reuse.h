// reuse.h -- when the record and the cells of a removed series may become another one's, and how
// they are taken.
//
// The danger is a store through an old handle into cells that have become another series'. Updates
// have no mark that could be checked, so it is known which processes can have a handle:
//   - one that has looked the series up while it had a slot: the record's holder
//   - one that had a handle before it claimed its slot, its own or its parent's: its slot's `since`
//     is not below the record's `born`. It has looked at them since, when the clock was its slot's
//     `ack`: so it is only asked about removals of a later date
//   - one that has no slot, and so holds the shared lock
// Each process that gets a handle stores that first and then looks whether the series was removed;
// the taker, once it finds the series removed, looks for what they store. One of both sees the
// other. So a record may be taken if only this process, and dead ones, can have a handle, and no
// thread of this process is in an update that has begun before the removal (update/handles.h). If
// several processes have looked a series up, its record stays unused as long as the file exists.
//
// Gauges and infos need none of that for the same label values: their cells hold the version of the
// record for which a value was set, so that a store through an old handle is not read.
//
// tests/model/holders.pml and acks.pml have every step, and what fails without it.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "libmetrics/format/ownership.h"
#include "libmetrics/format/records.h"
#include "libmetrics/update/own_slots.h"
#include "libmetrics/update/segment.h"

namespace metrics::setup {

// Sequentially consistent, wherever one of two processes has to see the other.
inline constexpr auto kOrdered = std::memory_order_seq_cst;

class Reuse;

// Dates the removal of a series, or the end of a taker: sets a record whose state word is `from` to
// resting, unless another process was first. Returns the date.
std::uint64_t rest(const update::Segment& segment, format::SeriesRecord& record,
                   std::uint64_t from) noexcept;

// A record that this process has taken, or none. At its end the record is given back, unless it is
// kept.
class Taken {
 public:
  Taken() = default;
  Taken(Taken&& other) noexcept { *this = std::move(other); }
  Taken& operator=(Taken&& other) noexcept {
    std::swap(reuse_, other.reuse_);
    std::swap(record_, other.record_);
    return *this;
  }
  ~Taken();
  explicit operator bool() const noexcept { return record_ != nullptr; }
  format::SeriesRecord& operator*() const noexcept { return *record_; }
  format::SeriesRecord* operator->() const noexcept { return record_; }
  // Returns the record, which is not given back any more.
  format::SeriesRecord* keep() noexcept { return std::exchange(record_, nullptr); }

 private:
  friend class Reuse;
  Taken(const Reuse& reuse, format::SeriesRecord& record) noexcept
      : reuse_(&reuse), record_(&record) {}
  const Reuse* reuse_ = nullptr;
  format::SeriesRecord* record_ = nullptr;
};

// For one registration: what it has asked the kernel is not asked again. The caller must hold the
// process's mutex.
class Reuse {
 public:
  // `me` owns a slot, or is {}: then only records without cells can be taken, and gauges' own.
  // `unshared` is kept for as long as the process lives: a date at which nobody had the shared
  // lock, 0 at first. Who takes it later looks later, so the kernel need not be asked about
  // removals before.
  Reuse(update::OwnSlots& own, format::Owner me, std::uint64_t& unshared) noexcept
      : segment_(own.segment()),
        own_(own),
        me_(me),
        acknowledged_(own.handles().acknowledged()),
        unshared_(unshared) {}

  format::Owner me() const noexcept { return me_; }

  // Dates a removal, unless that is done: of the record whose state word was that one. Brings back
  // a record whose taker has died.
  void settle(format::SeriesRecord& record, std::uint64_t state) noexcept;
  // Takes a resting record, and makes its cells 0 in all slots. Returns none if it can't be had
  // now; then it is as it was.
  Taken take(format::SeriesRecord& record) noexcept;
  // Takes that of a gauge for the same label values, whose cells stay as they are.
  Taken take_own(format::SeriesRecord& record) const noexcept;
  // Stands for a new record, which nobody else can find yet, as for one that was taken.
  Taken made(format::SeriesRecord& record) const noexcept;
  // Makes this process a holder of the record.
  void hold(format::SeriesRecord& record) const noexcept;

 private:
  int file() noexcept;
  bool nobody_counts_without_slot(std::uint64_t removed) noexcept;
  // Who may have had a handle of a removed series, as its record says.
  struct Users {
    std::uint64_t holder, born;
  };
  bool has_no_other_user(const Users& users, std::uint64_t removed) noexcept;
  bool clear_cells(const format::SeriesRecord& record, const Users& users) noexcept;
  bool clear(format::SlotIndex slot, const format::SeriesRecord& record) noexcept;
  bool is_dead(format::Owner owner) noexcept;
  Taken taken(format::SeriesRecord& record, std::uint64_t from) const noexcept;
  std::uint64_t taken_word() const noexcept;
  void give_back(format::SeriesRecord& record) const noexcept;
  friend class Taken;

  const update::Segment& segment_;
  update::OwnSlots& own_;
  const format::Owner me_;
  const std::uint64_t acknowledged_;
  std::uint64_t& unshared_;
  format::Descriptor file_;
};

}  // namespace metrics::setup
