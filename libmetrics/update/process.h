// process.h -- what a process is to the library: one mutex, one claim for each segment, a place for the slots of
// each thread; and how a forked child comes to know that it is another process.
//
// All of it stands in pages that the kernel wipes in the child (MADV_WIPEONFORK), by whichever call it was
// forked: there it begins anew, with a free mutex whoever held it in the parent. Where the kernel can't wipe
// (before Linux 4.14), a pthread_atfork handler does, which raw clone() and _Fork() don't run.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "libmetrics/update/claims.h"
#include "metrics/hot.h"

namespace metrics::core {

// A process's claim to a segment. All zeros is "not tried yet", as in a wiped page.
struct ProcessClaim {
  enum class State : std::uint32_t { kUntried, kOwned, kFailed };
  std::atomic<State> state;
  Owner owner;                          // of kOwned
  std::atomic<std::uint32_t> lent;      // 1 while a thread writes to the first slot
  std::atomic<metrics_status> failure;  // the first reason why a thread counts in slot 0
  std::atomic<bool> told;               // that reason was logged
};

struct Process {
  metrics_process_state hot;
  pthread_mutex_t mutex;
  std::array<ProcessClaim, METRICS_MAX_SEGMENTS> claims;
};
static_assert(sizeof(Process) <= layout::kPage, "wiped as one page");

// This process's; set up at the first call, which is to come from outside of any update.
Process& process();

// False if only pthread_atfork's handler sees forks.
bool fork_is_wiped() noexcept;

// Gives the process its epoch if it has none. The mutex must be held.
void give_epoch(Process& p) noexcept;

// A place for the calling thread's slots, wiped in forked children, if it has none yet; then metrics_thread names it.
// False if there is no memory for it, which is remembered. The mutex must be held.
bool give_place() noexcept;
// From a thread that ends; updates that it still makes find no slot and ask for none. Another thread gets the place
// later, unless the mutex is not held.
void take_place_back(bool held) noexcept;

// Keeps the thread from being cancelled in the scope: opening a file and writing a line are cancellation points,
// and nothing of ours can be unwound there.
class Uncancelled {
 public:
  Uncancelled() noexcept;
  ~Uncancelled();
  Uncancelled(const Uncancelled&) = delete;
  Uncancelled& operator=(const Uncancelled&) = delete;

 private:
  int before_;
};

// For the scope, blocks all signals of the thread (a handler that ran meanwhile could ask for what is held) and its
// cancellation, and keeps its errno: whoever updates a metric knows nothing of what that takes.
class Quiet {
 public:
  Quiet() noexcept;
  ~Quiet();
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  const int errno_;
  const Uncancelled uncancelled_;
  sigset_t before_;
};

// Holds the process's mutex, with signals blocked, for the scope.
class Locked {
 public:
  enum class Wait { kAsLongAsItTakes, kBounded };
  explicit Locked(Process& p, Wait wait = Wait::kAsLongAsItTakes) noexcept;
  ~Locked();
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  bool held() const noexcept { return held_; }  // false: the bound has passed

 private:
  Quiet quiet_;
  Process& process_;
  bool held_;
};

}  // namespace metrics::core
