#include "libmetrics/update/locked.h"

#include <cerrno>
#include <ctime>

#include "libmetrics/update/sanitizer.h"

namespace metrics::update {
namespace {

constexpr long kBoundNs =
    10'000'000;  // the longest that a first update waits for a thread that sets up families

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

Locked::Locked(pthread_mutex_t& mutex, Wait wait) noexcept
    : mutex_(mutex),
      held_(wait == Wait::kBounded ? lock_bounded(mutex) : ::pthread_mutex_lock(&mutex) == 0) {}

Locked::~Locked() {
  if (held_) ::pthread_mutex_unlock(&mutex_);
}

}  // namespace metrics::update
