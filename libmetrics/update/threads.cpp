#include "libmetrics/update/threads.h"

#include <pthread.h>

#include <cerrno>

#include "libmetrics/update/claims.h"
#include "libmetrics/update/locked.h"
#include "libmetrics/update/own_slots.h"
#include "libmetrics/update/process.h"
#include "metrics/hot.h"

namespace metrics::update {
namespace {

using State = ProcessClaim::State;

// The index of the slot that metrics_thread->cells[i] points to, for giving it back.
__thread format::SlotIndex thread_slots[METRICS_MAX_SEGMENTS]
    __attribute__((tls_model("initial-exec")));

pthread_key_t end_key;

// Records that a thread of this process counts in slot 0, and why; the first reason is kept.
void count_in_shared(const OwnSlots& own, ProcessClaim& claim, metrics_status why,
                     format::Drop reason) noexcept {
  metrics_status none = METRICS_OK;
  claim.failure.compare_exchange_strong(none, why, std::memory_order_relaxed);
  own.segment().drop(reason);
}

// Claims the first slot for this process, in the order of invariant (3) in claims.h.
void claim_for_process(OwnSlots& own, ProcessClaim& mine) noexcept {
  const auto failed = [&](metrics_status why, format::Drop reason) {
    count_in_shared(own, mine, why, reason);
    mine.state.store(State::kFailed, std::memory_order_relaxed);
  };
  number_process(own.segment(), mine);
  Claim claim;
  switch (claim_first_slot(own.segment(), claim)) {
    case ClaimResult::kClaimed:
      break;
    case ClaimResult::kAllOwned:
      return failed(METRICS_NO_SLOT, format::Drop::kSlotsExhausted);
    case ClaimResult::kUnreachable:
      return failed(status_of(errno), format::Drop::kClaimUnreachable);
    case ClaimResult::kUnsupported:
      return failed(METRICS_UNSUPPORTED, format::Drop::kClaimUnreachable);
  }
  const int fd = claim.descriptor.get();
  format::Cell* cells = own.slot(fd, claim.owner.slot);
  if (cells == nullptr || !own.reserve_bound(fd, claim.owner.slot)) {
    give_back(claim);
    return failed(METRICS_NO_SPACE, format::Drop::kClaimNoSpace);
  }
  announce(own.segment(), claim.owner);
  own.begin_gauges(cells, claim.owner.generation);
  mine.owner = claim.owner;
  // Release: a thread that sees kOwned sees all gauges begun; pairs with owns_first_slot's acquire
  // and that of metrics_gauge_value().
  mine.state.store(State::kOwned, std::memory_order_release);
}

// Claims a slot for a thread of a process that has a first slot: that one if no other thread has
// it, else a lane. Returns nullptr on failure.
format::Cell* claim_for_thread(OwnSlots& own, ProcessClaim& mine,
                               format::SlotIndex& slot) noexcept {
  // Acquire: pairs with the release in end_thread() of the thread that wrote there before.
  if (mine.lent.exchange(1, std::memory_order_acquire) == 0) {
    slot = mine.owner.slot;
    return own.slot(-1, slot);
  }
  const Segment& segment = own.segment();
  const format::Descriptor fd = segment.reopen();
  if (!fd) {
    count_in_shared(own, mine, status_of(errno), format::Drop::kClaimUnreachable);
    return nullptr;
  }
  slot = claim_lane(segment, fd.get(), mine.owner);
  if (slot == 0) {
    count_in_shared(own, mine, METRICS_NO_SLOT, format::Drop::kLanesExhausted);
    return nullptr;
  }
  format::Cell* cells = own.slot(fd.get(), slot);
  if (cells == nullptr || !own.reserve_bound(fd.get(), slot)) {
    release_lane(segment, slot, mine.owner);
    count_in_shared(own, mine, METRICS_NO_SPACE, format::Drop::kClaimNoSpace);
    return nullptr;
  }
  return cells;
}

// Gives back the slots of a thread that ends. Runs as a pthread_key's destructor: a thread_local's
// would run too early, since the destructors of other thread_locals may still update. Updates after
// this one go to slot 0.
void end_thread(void*) {
  Process& p = process();
  const Locked lock(p.mutex, Locked::Wait::kBounded);
  for (std::uint32_t i = 0; i < METRICS_MAX_SEGMENTS; ++i) {
    // In a child all are NULL: the slots of its parent's thread belong to the parent.
    if (metrics_thread->cells[i] == nullptr) continue;
    metrics_thread->cells[i] = nullptr;
    ProcessClaim& claim = p.claims[i];
    if (thread_slots[i] == claim.owner.slot) {
      claim.lent.store(0, std::memory_order_release);  // pairs with claim_for_thread's acquire
    } else {
      release_lane(own_slots_at(i)->segment(), thread_slots[i], claim.owner);
    }
  }
  // From here on the thread must not claim a slot: nothing would give it back.
  take_place_back(lock.held());
}

int make_end_key() noexcept {
  static const int error = ::pthread_key_create(&end_key, &end_thread);
  return error;
}

// Runs when the library is loaded, for the reason given at set_up_early in process.cpp. Also, a
// thread can set its value of an early key without malloc.
[[maybe_unused]] const int made_early = make_end_key();

}  // namespace

bool watch_thread_ends() noexcept { return make_end_key() == 0; }

format::Cell* own_cells(std::uint32_t segment) noexcept {
  OwnSlots* own = own_slots_at(segment);
  if (own == nullptr) return nullptr;
  const std::uint64_t bit = std::uint64_t{1} << segment;
  if ((metrics_thread->tried & bit) == 0) {
    Process& p = process();
    const Locked lock(p.mutex, Locked::Wait::kBounded);
    if (!lock.held()) return nullptr;  // this update goes to slot 0; the next one tries again
    give_epoch(p);
    // `tried` is checked again: a signal handler may have been here before the lock was held.
    if (give_place() && (metrics_thread->tried & bit) == 0) {
      metrics_thread_state& t = *metrics_thread;
      ProcessClaim& claim = p.claims[segment];
      if (claim.state.load(std::memory_order_relaxed) == State::kUntried) {
        claim_for_process(*own, claim);
      }
      if (claim.state.load(std::memory_order_relaxed) == State::kOwned) {
        t.cells[segment] =
            reinterpret_cast<std::uint64_t*>(claim_for_thread(*own, claim, thread_slots[segment]));
      }
      t.tried |= bit;
      ::pthread_setspecific(end_key, &metrics_thread);  // so that end_thread() runs
    }
  }
  return reinterpret_cast<format::Cell*>(metrics_thread->cells[segment]);
}

format::Cell* shared_cells(std::uint32_t segment) noexcept {
  const OwnSlots* own = own_slots_at(segment);
  return own == nullptr ? nullptr : own->shared_cells();
}

bool owns_first_slot(std::uint32_t segment) noexcept {
  return segment < METRICS_MAX_SEGMENTS &&
         process().claims[segment].state.load(std::memory_order_acquire) == State::kOwned;
}

void count_drop(std::uint32_t segment, format::Drop reason) noexcept {
  if (const OwnSlots* own = own_slots_at(segment); own != nullptr) own->segment().drop(reason);
}

}  // namespace metrics::update
