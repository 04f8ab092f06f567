#include "libmetrics/update/locked.h"

#include <cerrno>
#include <ctime>

#include "libmetrics/update/sanitizer.h"

namespace metrics::update {
namespace {

constexpr long kBoundNs =
    10'000'000;  // the longest that a first update waits for a thread that sets up families

// How many forks the thread is in, between hold_for_fork() and release_after_fork(): a handler of
// one may fork.
__thread unsigned forking __attribute__((tls_model("initial-exec"))) = 0;
sigset_t before_fork;  // of the outermost one; guarded by the mutex
void (*after_unlock)() noexcept = nullptr;

// Locks the mutex; returns false if it was not free within the bound.
bool lock_bounded(pthread_mutex_t& mutex) noexcept {
  // ThreadSanitizer must see that the mutex is locked. That of g++ 12 and clang 14 does not know
  // pthread_mutex_clocklock(), whose clock is never stepped, so a program built with it gets the
  // older pthread_mutex_timedlock().
  const bool watched = is_watched();
  timespec until{};
  ::clock_gettime(watched ? CLOCK_REALTIME : CLOCK_MONOTONIC, &until);
  until.tv_nsec += kBoundNs;
  if (until.tv_nsec >= 1'000'000'000) {
    until.tv_nsec -= 1'000'000'000;
    ++until.tv_sec;
  }
  return (watched ? ::pthread_mutex_timedlock(&mutex, &until)
                  : ::pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &until)) == 0;
}

bool lock(pthread_mutex_t& mutex, Locked::Wait wait) noexcept {
  switch (wait) {
    case Locked::Wait::kAsLongAsItTakes:
      return ::pthread_mutex_lock(&mutex) == 0;
    case Locked::Wait::kBounded:
      return lock_bounded(mutex);
    case Locked::Wait::kNot:
      break;
  }
  return ::pthread_mutex_trylock(&mutex) == 0;
}

}  // namespace

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

void set_after_unlock(void (*function)() noexcept) noexcept { after_unlock = function; }

Locked::AfterUnlock::~AfterUnlock() {
  if (unlocked && after_unlock != nullptr) after_unlock();
}

void hold_for_fork(pthread_mutex_t& mutex) noexcept {
  if (forking > 0) {
    ++forking;
    return;
  }
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  ::pthread_mutex_lock(&mutex);
  before_fork = before;
  forking = 1;
}

void release_after_fork(pthread_mutex_t& mutex, bool in_child) noexcept {
  if (forking == 0) return;  // of an outer fork, in the child of an inner one
  forking = in_child ? 0 : forking - 1;
  if (forking > 0) return;
  const sigset_t before = before_fork;
  if (in_child) {
    say_unlocked(mutex);
  } else {
    ::pthread_mutex_unlock(&mutex);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!in_child && after_unlock != nullptr) after_unlock();
}

Locked::Locked(pthread_mutex_t& mutex, Wait wait) noexcept : mutex_(mutex) {
  unlocks_ = forking == 0 && lock(mutex, wait);
  held_ = unlocks_ || forking > 0;
}

Locked::~Locked() {
  if (!unlocks_) return;
  ::pthread_mutex_unlock(&mutex_);
  after_.unlocked = true;
}

}  // namespace metrics::update
