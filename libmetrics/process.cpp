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

// What ThreadSanitizer doesn't see: that pthread_mutex_clocklock locks, and that a wiped mutex is free.
#ifdef __SANITIZE_THREAD__
void tell_locked(pthread_mutex_t& mutex) {
  __tsan_mutex_pre_lock(&mutex, __tsan_mutex_try_lock);
  __tsan_mutex_post_lock(&mutex, __tsan_mutex_try_lock, 0);
}
void tell_wiped(pthread_mutex_t& mutex) {
  __tsan_mutex_pre_unlock(&mutex, 0);
  __tsan_mutex_post_unlock(&mutex, 0);
}
#else
void tell_locked(pthread_mutex_t&) {}
void tell_wiped(pthread_mutex_t&) {}
#endif

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
  ::clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += kBoundNs;
  if (until.tv_nsec >= 1'000'000'000) {
    until.tv_nsec -= 1'000'000'000;
    ++until.tv_sec;
  }
  held_ = ::pthread_mutex_clocklock(&p.mutex, CLOCK_MONOTONIC, &until) == 0;
  if (held_) tell_locked(p.mutex);
}

Locked::~Locked() {
  if (held_) ::pthread_mutex_unlock(&process_.mutex);
}

}  // namespace metrics::core
