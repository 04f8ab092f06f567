// process.h -- what a process is to the library: one mutex, one claim for each segment, a place for
// the slots of each thread; and how a forked child finds out that it is another process.
//
// All of it stands in pages that the kernel wipes in the child (MADV_WIPEONFORK), whichever call
// has forked it. There the state begins anew, with a free mutex even if a thread of the parent held
// it. Where the kernel can't wipe (before Linux 4.14), a pthread_atfork handler does it, which raw
// clone() and _Fork() don't run.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "libmetrics/format/ownership.h"
#include "libmetrics/update/pending.h"
#include "metrics/hot.h"

namespace metrics::update {

// A process's claim to a first slot of a segment. All zeros, as in a wiped page: not tried yet.
struct ProcessClaim {
  enum class State : std::uint32_t { kUntried, kOwned, kFailed };
  std::atomic<State> state;
  format::Owner owner;                  // valid if kOwned
  std::atomic<std::uint32_t> lent;      // 1 while a thread has the first slot
  std::atomic<metrics_status> failure;  // why the first thread that got no slot counts in slot 0
  std::atomic<bool> logged;             // that reason was logged
  // This process's number in the segment, see number_process(); 0: it has none yet. And how many
  // definitions it has made there. Both are guarded by the mutex.
  std::uint64_t start;
  std::uint64_t definitions;
  PendingGauges pending;  // gauges that were set before the process had its first slot
};

struct Process {
  metrics_process_state hot;
  pthread_mutex_t mutex;
  // 0 in a child that has not entered the library yet, unless fork() has made it. Not asked of the
  // kernel when it is needed: a vfork() child, which uses its parent's slots, would get its own.
  std::atomic<pid_t> pid;
  std::array<ProcessClaim, METRICS_MAX_SEGMENTS> claims;
  PendingPool pending;
  std::atomic<std::uint32_t> inside;  // updates under way of threads that may have no place
};
static_assert(sizeof(Process) <= format::kPage, "wiped as one page");

// What a thread has in the segments, in wiped memory.
struct ThreadPlace {
  metrics_thread_state hot;  // metrics_thread points to it
  // The slots that hot.cells point to, for giving them back.
  std::array<format::SlotIndex, METRICS_MAX_SEGMENTS> slots;
  pid_t untracked;  // the thread's id, if nothing reports its end; else 0
};

// Sets up the process's state, unless that is done already. Returns false if there is no memory for
// it; a later call tries again. Called when the library is loaded; set-up calls it once more before
// it uses process().
bool set_up_process() noexcept;

// Returns this process's state. set_up_process() must have returned true; it has, for every joined
// segment.
Process& process() noexcept;

// Returns false if the kernel can't wipe, so that only the pthread_atfork handler sees forks.
bool fork_is_wiped() noexcept;

// Gives the process its epoch and its pid if it has none. The caller must hold the mutex.
void enter(Process& p) noexcept;

// Returns the process's pid. In a vfork() child it is the parent's.
pid_t own_pid() noexcept;

// Gives the calling thread a place, if it has none yet, and makes metrics_thread point to it.
// Returns nullptr if there is no memory for it, or the thread has returned its place; the thread
// does not try again. The caller must hold the mutex.
ThreadPlace* give_place() noexcept;
// Takes the place back from the calling thread, which ends. Updates that it still makes find no
// slot and ask for none. Another thread may get the place later, but only if `held`: the caller
// holds the mutex.
void take_place_back(bool held) noexcept;
// Returns the calling thread's place; nullptr if it has none.
ThreadPlace* own_place() noexcept;

// ---- when no thread uses any more what it may have found before ----
//
// An update loads its handle, and a look-up its table, without a lock and without a mark. Whoever
// has led a handle nowhere, or has taken something out of a table, counts one look more; once every
// thread has been outside of updates and look-ups after that, nobody has the old content in hand.
// Threads with a place tell so at their set-up calls and look-ups, by storing the number of the
// last look; an update of a thread that may have none is counted while it is under way.
// tests/model/acks.pml has every step.

// Counts one look more, and returns its number. The caller must hold the mutex.
std::uint64_t next_look() noexcept;
// Returns true if every thread of the process has been outside since that look. The caller must
// hold the mutex.
bool all_seen(std::uint64_t look) noexcept;
// The last look; never 0.
extern std::atomic<std::uint64_t> looks;
// Tells that the calling thread is outside, if it has a place. For set-up calls and look-ups: an
// update, and the claim that it may make, can be a signal handler's, and its thread in another one.
inline void seen() noexcept {
  metrics_thread_state* thread = metrics_thread;
  if (thread->seen == 0) return;
  const std::uint64_t last =
      looks.load(std::memory_order_acquire);  // pairs with next_look's release
  if (thread->seen != last) __atomic_store_n(&thread->seen, last, __ATOMIC_RELEASE);
}
// Returns true if the calling thread has a place, so that seen() tells of it.
inline bool is_seen() noexcept { return metrics_thread->seen != 0; }

// An update under way of a thread that may have no place. What it loads before is not covered.
class Inside {
 public:
  Inside() noexcept;
  ~Inside();
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  const std::uint64_t epoch_;  // a child that a signal handler has forked meanwhile counts anew
};

// True while the calling thread holds a lock under which all updates through the handles that it
// asks for are made too, as an interpreter does. So at its set-up calls no such update is under
// way.
extern __thread bool under_lock __attribute__((tls_model("initial-exec")));
// Must be called before the first handle is given out to a caller: if there is any without such a
// lock, all_seen() looks at the threads.
void note_caller() noexcept;

// Calls give_back(place) for the place of each untracked thread that has ended, and then takes that
// place back. Does nothing while another place is free. The caller must hold the mutex.
void take_back_untracked(void (*give_back)(ThreadPlace&)) noexcept;

}  // namespace metrics::update
