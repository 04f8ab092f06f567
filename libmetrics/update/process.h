// process.h -- what a process is to the library: one mutex, one claim for each segment, a place for
// the slots of each thread; and how a forked child comes to know that it is another process.
//
// All of it stands in pages that the kernel wipes in the child (MADV_WIPEONFORK), by whichever call
// it was forked: there it begins anew, with a free mutex whoever held it in the parent. Where the
// kernel can't wipe (before Linux 4.14), a pthread_atfork handler does, which raw clone() and
// _Fork() don't run.
#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "libmetrics/format/ownership.h"
#include "metrics/hot.h"

namespace metrics::update {

// A process's claim to a segment. All zeros is "not tried yet", as in a wiped page.
struct ProcessClaim {
  enum class State : std::uint32_t { kUntried, kOwned, kFailed };
  std::atomic<State> state;
  format::Owner owner;                  // of kOwned
  std::atomic<std::uint32_t> lent;      // 1 while a thread writes to the first slot
  std::atomic<metrics_status> failure;  // the first reason why a thread counts in slot 0
  std::atomic<bool> told;               // that reason was logged
};

struct Process {
  metrics_process_state hot;
  pthread_mutex_t mutex;
  std::array<ProcessClaim, METRICS_MAX_SEGMENTS> claims;
};
static_assert(sizeof(Process) <= format::kPage, "wiped as one page");

// Sets up the process's state, unless it is. False if there is no memory for it, which a later call
// tries again. Called when the library is loaded; set-up calls it once more before they use
// process().
bool set_up_process() noexcept;

// This process's state. set_up_process() must have returned true, as it has for every joined
// segment.
Process& process() noexcept;

// False if only pthread_atfork's handler sees forks.
bool fork_is_wiped() noexcept;

// Gives the process its epoch if it has none. The mutex must be held.
void give_epoch(Process& p) noexcept;

// A place for the calling thread's slots, wiped in forked children, if it has none yet; then
// metrics_thread names it. False if there is no memory for it, which is remembered. The mutex must
// be held.
bool give_place() noexcept;
// From a thread that ends; updates that it still makes find no slot and ask for none. Another
// thread gets the place later, unless the mutex is not held.
void take_place_back(bool held) noexcept;

}  // namespace metrics::update
