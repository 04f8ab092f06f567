#include "libmetrics/setup/reuse.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "libmetrics/format/ownership.h"

namespace metrics::setup {

using format::SeriesRecord;
using format::SlotIndex;
using format::State;

namespace {

bool change(format::Cell& word, std::uint64_t from, std::uint64_t to) noexcept {
  return word.compare_exchange_strong(from, to, kOrdered, kOrdered);
}

// Calls visit(slot) for each other first slot whose owner may have had a handle of the record when
// it claimed the slot, until it returns false. Returns whether it never did.
template <class Visit>
bool each_since(const update::Segment& segment, SlotIndex mine, std::uint64_t born, Visit visit) {
  const auto used = static_cast<SlotIndex>(std::min<std::uint64_t>(
      segment.header().first_slots_used.load(kOrdered), segment.geometry().first_slots));
  for (SlotIndex slot = 1; slot <= used; ++slot) {
    if (slot != mine && segment.head(slot).since.load(kOrdered) >= born && !visit(slot)) {
      return false;
    }
  }
  return true;
}

std::uint64_t next_date(const update::Segment& segment) noexcept {
  return segment.header().clock.fetch_add(1, kOrdered) + 1;
}

}  // namespace

std::uint64_t rest(const update::Segment& segment, SeriesRecord& record,
                   std::uint64_t from) noexcept {
  const std::uint64_t date = next_date(segment);
  change(record.record.state, from, format::word_of(State::kResting, date));
  return date;
}

int Reuse::file() noexcept {
  if (!file_) file_ = segment_.reopen();
  return file_.get();
}

void Reuse::settle(SeriesRecord& record, std::uint64_t state) noexcept {
  const std::uint64_t taker = format::rest_of(state);
  const bool undated = format::state_of(state) == State::kRemoved;
  const bool taker_died = format::state_of(state) == State::kTaken && taker != 0 &&
                          is_dead(format::Owner::of_taker_bits(taker));
  if (undated || taker_died) rest(segment_, record, state);
}

bool Reuse::is_dead(format::Owner owner) noexcept {
  const int fd = file();
  return fd >= 0 && owner.slot >= 1 && owner.slot <= segment_.geometry().first_slots &&
         format::certainly_dead(fd, owner);
}

bool Reuse::nobody_counts_without_slot(std::uint64_t removed) noexcept {
  const format::Header& header = segment_.header();
  if (header.unowned.load(kOrdered) != 0) return false;
  if (removed <= unshared_) return true;
  const std::uint64_t now = header.clock.load(kOrdered);  // before the question
  if (file() < 0 || !format::nobody_shares(file(), segment_.geometry())) return false;
  unshared_ = now;
  return true;
}

// The owner of another slot that had handles when it claimed it has looked at them since: those of
// series that were removed before led nowhere from then on. A date that a former owner of the slot
// has left is right, too: the owner of today has claimed the slot later, and so looks later.
bool Reuse::has_no_other_user(const Users& users, std::uint64_t removed) noexcept {
  if (me_.slot == 0 || users.holder == format::kManyHolders) return false;
  const auto holder = format::Owner::of_word(users.holder);
  if (users.holder != 0 && holder.slot != me_.slot && !is_dead(holder)) return false;
  if (!nobody_counts_without_slot(removed)) return false;
  return each_since(segment_, me_.slot, users.born, [&](SlotIndex slot) {
    return segment_.head(slot).ack.load(kOrdered) >= removed ||
           format::ownership(file(), slot).state == format::Ownership::State::kFree;
  });
}

std::uint64_t Reuse::taken_word() const noexcept {
  return format::word_of(State::kTaken, me_.taker_bits());
}

// Takes the record if its state word is still that one.
Taken Reuse::taken(SeriesRecord& record, std::uint64_t from) const noexcept {
  if (!change(record.record.state, from, taken_word())) return {};
  segment_.header().reuses.fetch_add(1, kOrdered);  // before anything of it changes
  return {*this, record};
}

Taken Reuse::take(SeriesRecord& record) noexcept {
  const std::uint64_t state = record.record.state.load(kOrdered);
  if (format::state_of(state) != State::kResting) return {};
  const bool has_cells = record.cells_room > 0;
  // Read once: a process that has found the series before it was removed may still store that it is
  // a holder, whose look at the state then fails.
  const Users users{record.holder.load(kOrdered), record.born};
  const std::uint64_t removed = format::rest_of(state);
  if (has_cells && (removed > acknowledged_ || !has_no_other_user(users, removed))) return {};
  Taken mine = taken(record, state);
  return !mine || !has_cells || clear_cells(record, users) ? std::move(mine) : Taken();
}

Taken Reuse::take_own(SeriesRecord& record) const noexcept {
  const std::uint64_t state = record.record.state.load(kOrdered);
  return format::state_of(state) == State::kResting ? taken(record, state) : Taken();
}

Taken Reuse::made(SeriesRecord& record) const noexcept {
  record.record.state.store(taken_word(), std::memory_order_relaxed);
  return {*this, record};
}

Taken::~Taken() {
  if (record_ != nullptr) reuse_->give_back(*record_);
}

// No series is removed by that, so that this date needs no look at all handles, as that of an own
// removal doesn't.
void Reuse::give_back(SeriesRecord& record) const noexcept {
  const std::uint64_t date = next_date(segment_);
  record.record.state.store(format::word_of(State::kResting, date), kOrdered);
  own_.handles().looked_at(date);
}

void Reuse::hold(SeriesRecord& record) const noexcept {
  if (me_.slot == 0) return;  // the claim's `since` will tell of the handle
  const std::uint64_t mine = me_.word();
  std::uint64_t there = record.holder.load(kOrdered);
  while (there != mine && there != format::kManyHolders) {
    // A former owner of this slot is dead, since this process has its lock.
    const bool alone = there == 0 || format::Owner::of_word(there).slot == me_.slot;
    if (record.holder.compare_exchange_weak(there, alone ? mine : format::kManyHolders, kOrdered,
                                            kOrdered)) {
      return;
    }
  }
}

// Only slots that can have been written are asked: those of the holder, of those who had a handle
// before their claim, and of threads, which may have belonged to any of them.
bool Reuse::clear_cells(const SeriesRecord& record, const Users& users) noexcept {
  const SlotIndex holder = format::Owner::of_word(users.holder).slot;
  if (!clear(0, record) || !clear(me_.slot, record)) return false;
  if (holder != 0 && holder != me_.slot && !clear(holder, record)) return false;
  const format::Geometry& g = segment_.geometry();
  const auto lanes = static_cast<SlotIndex>(format::capped(segment_.header().lanes_used, g.lanes));
  for (SlotIndex lane = 1; lane <= lanes; ++lane) {
    if (!clear(g.first_slots + lane, record)) return false;
  }
  return each_since(segment_, me_.slot, users.born,
                    [&](SlotIndex slot) { return clear(slot, record); });
}

// Where this process may not store, writes through the file. Where that has a hole, the cells are
// 0, and stay without memory.
bool Reuse::clear(SlotIndex slot, const SeriesRecord& record) noexcept {
  if (own_.clear(slot, record.first_cell, record.cells_room)) return true;
  if (file() < 0) return false;
  static constexpr std::array<std::uint64_t, 512> kZeros{};
  std::uint64_t at =
      segment_.geometry().slot_offset(slot) + record.first_cell * sizeof(format::Cell);
  const std::uint64_t end = at + record.cells_room * sizeof(format::Cell);
  if (!update::within_size_limit(end)) return false;  // else the kernel would kill the process
  while (at < end) {
    const off_t data = ::lseek(file(), static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return true;
    if (data >= static_cast<off_t>(end)) return true;
    if (data > 0)
      at = std::max(at,
                    static_cast<std::uint64_t>(data) / sizeof(format::Cell) * sizeof(format::Cell));
    const ssize_t done =
        ::pwrite(file(), kZeros.data(), std::min(sizeof kZeros, end - at), static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    at += static_cast<std::uint64_t>(done);
  }
  return true;
}

}  // namespace metrics::setup
