#include "libmetrics/process.h"

#include <sys/mman.h>

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>

namespace {

// Before the first segment is joined, and for as long as nothing else is known: epoch 0, which no thread has.
metrics_process_state nobody = {0};

}  // namespace

extern "C" {
// No thread's epoch equals a process's before its first slow path: the process's is 0 or above, this one
// is neither.
__thread metrics_thread_state metrics_thread = {~std::uint64_t{0}, 0, {}};
metrics_process_state* metrics_process = &nobody;
}

namespace metrics::core {
namespace {

constexpr long kBoundNs =
    10'000'000;  // a first update waits no longer for a thread that sets up families

Process* the_process = nullptr;
bool wiped = false;
std::uint64_t last_epoch = 0;  // ordinary memory: a child goes on from its parent's
sigset_t before_fork;          // guarded by the mutex

// Locks the mutex before `until`, of the clock that steps can't move. ThreadSanitizer doesn't know that call in g++ 12
// and clang 14, and is given its elder.
#ifdef __SANITIZE_THREAD__
constexpr clockid_t kClock = CLOCK_REALTIME;
int lock_until(pthread_mutex_t& mutex, const timespec& until) {
  return ::pthread_mutex_timedlock(&mutex, &until);
}
#else
constexpr clockid_t kClock = CLOCK_MONOTONIC;
int lock_until(pthread_mutex_t& mutex, const timespec& until) {
  return ::pthread_mutex_clocklock(&mutex, kClock, &until);
}
#endif

// The kernel has unlocked the mutex in a forked child, which ThreadSanitizer doesn't see either.
void tell_wiped([[maybe_unused]] pthread_mutex_t& mutex) {
#ifdef __SANITIZE_THREAD__
  __tsan_mutex_pre_unlock(&mutex, 0);
  __tsan_mutex_post_unlock(&mutex, 0);
#endif
}

// Around fork(), so that the child inherits families and tables whole.
void prepare_fork() {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  ::pthread_mutex_lock(&the_process->mutex);
  before_fork = before;
}
void parent_after_fork() {
  const sigset_t before = before_fork;
  ::pthread_mutex_unlock(&the_process->mutex);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}
void child_after_fork() {
  if (!wiped) std::memset(static_cast<void*>(the_process), 0, sizeof(Process));
  tell_wiped(the_process->mutex);
  ::pthread_sigmask(SIG_SETMASK, &before_fork, nullptr);
}

Process* set_up() {
  void* page =
      ::mmap(nullptr, page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw std::bad_alloc();
  wiped = ::madvise(page, page_bytes(), MADV_WIPEONFORK) == 0;
  the_process = new (page) Process();
  __atomic_store_n(&metrics_process, &the_process->hot, __ATOMIC_RELEASE);
  ::pthread_atfork(prepare_fork, parent_after_fork, child_after_fork);
  return the_process;
}

// At load: a child forked while another thread is here for the first time would wait for that thread for ever. What
// fails now is tried, and reported, when a segment is opened.
[[maybe_unused]] const bool set_up_early = [] {
  try {
    process();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}();

}  // namespace

Process& process() {
  static Process* const p = set_up();
  return *p;
}

bool fork_is_wiped() noexcept { return wiped; }

std::uint64_t epoch(Process& p) noexcept {
  std::uint64_t now = __atomic_load_n(&p.hot.epoch, __ATOMIC_RELAXED);
  if (now == 0) {
    now = ++last_epoch;
    __atomic_store_n(&p.hot.epoch, now, __ATOMIC_RELAXED);
  }
  return now;
}

Uncancelled::Uncancelled() noexcept { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }

Uncancelled::~Uncancelled() { ::pthread_setcancelstate(before_, nullptr); }

Quiet::Quiet() noexcept : errno_(errno) {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before_);
}

Quiet::~Quiet() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  errno = errno_;
}

Locked::Locked(Process& p, Wait wait) noexcept : process_(p) {
  if (wait == Wait::kAsLongAsItTakes) {
    held_ = ::pthread_mutex_lock(&p.mutex) == 0;
    return;
  }
  timespec until{};
  ::clock_gettime(kClock, &until);
  until.tv_nsec += kBoundNs;
  if (until.tv_nsec >= 1'000'000'000) {
    until.tv_nsec -= 1'000'000'000;
    ++until.tv_sec;
  }
  held_ = lock_until(p.mutex, until) == 0;
}

Locked::~Locked() {
  if (held_) ::pthread_mutex_unlock(&process_.mutex);
}

}  // namespace metrics::core
