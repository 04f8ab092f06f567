#include "libmetrics/update/threads.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>

#include "libmetrics/update/claims.h"
#include "libmetrics/update/drops.h"
#include "libmetrics/update/locked.h"
#include "libmetrics/update/own_slots.h"
#include "libmetrics/update/process.h"
#include "metrics/hot.h"

namespace metrics::update {
namespace {

using State = ProcessClaim::State;

// True once the thread has waited for the process's mutex in vain. It does not wait again: whoever
// holds it so long may hold it for longer.
__thread bool has_waited __attribute__((tls_model("initial-exec"))) = false;

// Its destructor reports the end of each thread that has a value for it. Less than 0 if there is no
// such key: a thread's values of the first 32 keys stand in its descriptor, but for a later key the
// C library may call malloc, which an update must not.
constexpr pthread_key_t kKeysInDescriptor = 32;
std::int64_t end_key = -1;
// True once a thread of this process, or of its parent before the fork, has no such value. Guarded
// by the mutex.
bool any_untracked = false;

// Records that a thread of this process counts in slot 0, and why; the first reason is kept.
void count_in_shared(const OwnSlots& own, ProcessClaim& claim, metrics_status why,
                     format::Drop reason) noexcept {
  metrics_status none = METRICS_OK;
  claim.failure.compare_exchange_strong(none, why, std::memory_order_relaxed);
  drop(own.segment(), reason);
}

// Claims the first slot for this process, in the order of invariant (3) in claims.h.
void claim_for_process(OwnSlots& own, ProcessClaim& mine) noexcept {
  const auto failed = [&](metrics_status why, format::Drop reason) {
    count_in_shared(own, mine, why, reason);
    share(own.segment());
    own.handles().look(own.segment().header());
    // Before the pending gauges are settled: a thread that finds them so finds the failure.
    // Release: a thread that sees it sees the handles led nowhere; pairs with is_settled's acquire.
    mine.state.store(State::kFailed, std::memory_order_release);
    mine.pending.settle(PendingGauges::Outcome::kFailed, own.segment());
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
  Handles& handles = own.handles();
  announce(own.segment(), claim.owner, handles.youngest_born());
  handles.look(own.segment().header());
  looked(own.segment(), claim.owner, handles.looked());
  handles.begin_gauges(cells, claim.owner.generation);
  mine.owner = claim.owner;
  mine.pending.settle(PendingGauges::Outcome::kClaimed, own.segment());
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

// Gives back the slots of a thread that ends, or has ended.
void give_slots_back(ThreadPlace& thread) noexcept {
  Process& p = process();
  for (std::uint32_t i = 0; i < METRICS_MAX_SEGMENTS; ++i) {
    // In a child all are NULL: the slots of its parent's thread belong to the parent.
    if (thread.hot.cells[i] == nullptr) continue;
    thread.hot.cells[i] = nullptr;
    ProcessClaim& claim = p.claims[i];
    if (thread.slots[i] == claim.owner.slot) {
      claim.lent.store(0, std::memory_order_release);  // pairs with claim_for_thread's acquire
    } else {
      release_lane(own_slots_at(i)->segment(), thread.slots[i], claim.owner);
    }
  }
}

// Runs as a pthread_key's destructor: a thread_local's would run too early, since the destructors
// of other thread_locals may still update. Updates after this one go to slot 0.
void end_thread(void*) {
  const Locked lock(process().mutex, Locked::Wait::kBounded);
  if (ThreadPlace* mine = own_place(); mine != nullptr) give_slots_back(*mine);
  // From here on the thread must not claim a slot: nothing would give it back.
  take_place_back(lock.held());
}

// Runs when the library is loaded, for the reason given at set_up_early in process.cpp, and because
// early keys are those that take no malloc.
[[maybe_unused]] const bool made_early = [] {
  set_after_unlock(&place_pending);
  pthread_key_t key = 0;
  if (::pthread_key_create(&key, &end_thread) != 0) return false;
  if (key < kKeysInDescriptor) {
    end_key = key;
  } else {
    ::pthread_key_delete(key);
  }
  return end_key >= 0;
}();

// Makes sure that the slots of the calling thread are given back after its end: when it ends, or
// else when another thread needs a place and finds it gone.
void watch_end(ThreadPlace& thread) noexcept {
  const bool tracked = end_key >= 0 && ::pthread_setspecific(static_cast<pthread_key_t>(end_key),
                                                             &metrics_thread) == 0;
  // The id of a vfork() child is not that of the thread which goes on with the place: it is kept
  // until the process ends.
  if (tracked || ::getpid() != own_pid()) return;
  thread.untracked = ::gettid();
  any_untracked = true;
}

// Claims a slot for the process, unless that was tried. The caller must hold the mutex.
void claim_once(OwnSlots& own, std::uint32_t segment) noexcept {
  ProcessClaim& claim = process().claims[segment];
  if (claim.state.load(std::memory_order_relaxed) == State::kUntried) claim_for_process(own, claim);
}

}  // namespace

format::Cell* own_cells(std::uint32_t segment) noexcept {
  OwnSlots* own = own_slots_at(segment);
  if (own == nullptr) return nullptr;
  const std::uint64_t bit = std::uint64_t{1} << segment;
  if ((metrics_thread->tried & bit) == 0) {
    Process& p = process();
    const Locked lock(p.mutex, has_waited ? Locked::Wait::kNot : Locked::Wait::kBounded);
    if (!lock.held()) {  // this update goes to slot 0; the next one tries again
      has_waited = true;
      return nullptr;
    }
    enter(p);
    if (any_untracked) take_back_untracked(&give_slots_back);
    // Not seen() if it has a place already: this may be a signal handler's update, and the thread
    // in the middle of another one.
    ThreadPlace* thread = give_place();
    // `tried` is checked again: a signal handler may have been here before the lock was held.
    if (thread != nullptr && (thread->hot.tried & bit) == 0) {
      ProcessClaim& claim = p.claims[segment];
      claim_once(*own, segment);
      if (claim.state.load(std::memory_order_relaxed) == State::kOwned) {
        thread->hot.cells[segment] =
            reinterpret_cast<std::uint64_t*>(claim_for_thread(*own, claim, thread->slots[segment]));
      }
      thread->hot.tried |= bit;
    }
    if (thread != nullptr) watch_end(*thread);
  }
  return reinterpret_cast<format::Cell*>(metrics_thread->cells[segment]);
}

void take_place() noexcept {
  if (is_seen()) return;
  if (any_untracked) take_back_untracked(&give_slots_back);
  if (ThreadPlace* thread = give_place(); thread != nullptr) watch_end(*thread);
}

bool owns_first_slot(std::uint32_t segment) noexcept {
  return segment < METRICS_MAX_SEGMENTS &&
         process().claims[segment].state.load(std::memory_order_acquire) == State::kOwned;
}

bool keep_change(Gauge& gauge, PendingGauges::Change change, double value) noexcept {
  Process& p = process();
  const std::uint32_t segment = segment_of(gauge);
  if (segment >= METRICS_MAX_SEGMENTS) return true;  // its series was removed
  ProcessClaim& claim = p.claims[segment];
  if (claim.state.load(std::memory_order_acquire) == State::kUntried) {
    const auto kept = claim.pending.keep(p.pending, gauge, change, value);
    if (kept == PendingGauges::Kept::kYes) {
      place_pending();  // the mutex may be free by now
      return true;
    }
    // The gauge has begun, even if the claim is not announced to the process's threads yet.
    if (kept == PendingGauges::Kept::kSettled &&
        claim.state.load(std::memory_order_relaxed) != State::kFailed) {
      return false;
    }
  } else if (owns_first_slot(segment)) {
    return false;
  }
  drop_of(gauge, segment, format::Drop::kGaugeWithoutSlot);
  return true;
}

std::optional<double> gauge_value(const Gauge& gauge) noexcept {
  const std::uint32_t segment = segment_of(gauge);
  if (segment >= METRICS_MAX_SEGMENTS) return std::nullopt;  // its series was removed
  const ProcessClaim& claim = process().claims[segment];
  if (owns_first_slot(segment)) return gauge.own_value();
  bool is_settled = false;
  const auto kept = claim.pending.of(gauge, is_settled);
  if (!is_settled) return kept;
  const bool failed = claim.state.load(std::memory_order_relaxed) == State::kFailed;
  return failed ? std::nullopt : gauge.own_value();
}

void place_pending() noexcept {
  Process& p = process();
  if (p.pending.used.load(std::memory_order_seq_cst) == 0) return;
  for (std::uint32_t i = 0; i < METRICS_MAX_SEGMENTS; ++i) {
    if (p.claims[i].pending.empty()) continue;
    const Locked lock(p.mutex, Locked::Wait::kNot);
    if (!lock.held()) return;  // who holds it comes here when it has unlocked it
    enter(p);
    claim_once(*own_slots_at(i), i);
  }
}

bool is_settled(std::uint32_t segment) noexcept {
  return process().claims[segment].state.load(std::memory_order_acquire) != State::kUntried;
}

}  // namespace metrics::update
