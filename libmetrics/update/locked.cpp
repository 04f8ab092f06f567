#include "libmetrics/update/locked.h"

#include <cerrno>
#include <ctime>

namespace metrics::update {
namespace {

constexpr long kBoundNs =
    10'000'000;  // a first update waits no longer for a thread that sets up families

// ThreadSanitizer's own entry points (sanitizer/tsan_interface.h); absent unless the program is
// built with it.
extern "C" {
[[gnu::weak]] void __tsan_mutex_pre_lock(void* mutex, unsigned flags);
[[gnu::weak]] void __tsan_mutex_post_lock(void* mutex, unsigned flags, int recursion);
[[gnu::weak]] int __tsan_mutex_pre_unlock(void* mutex, unsigned flags);
[[gnu::weak]] void __tsan_mutex_post_unlock(void* mutex, unsigned flags);
}
constexpr unsigned kTryLock = 1u << 4, kTryLockFailed = 1u << 5;

// Locks the mutex with `how`, which returns 0 once it is locked.
template <class How>
bool lock_by(pthread_mutex_t& mutex, unsigned flags, How how) noexcept {
  if (__tsan_mutex_pre_lock != nullptr) __tsan_mutex_pre_lock(&mutex, flags);
  const bool locked = how() == 0;
  if (__tsan_mutex_post_lock != nullptr) {
    __tsan_mutex_post_lock(&mutex, locked ? flags : flags | kTryLockFailed, 0);
  }
  return locked;
}

}  // namespace

void lock(pthread_mutex_t& mutex) noexcept {
  lock_by(mutex, 0, [&] { return ::pthread_mutex_lock(&mutex); });
}

void unlock(pthread_mutex_t& mutex) noexcept {
  if (__tsan_mutex_pre_unlock != nullptr) __tsan_mutex_pre_unlock(&mutex, 0);
  ::pthread_mutex_unlock(&mutex);
  if (__tsan_mutex_post_unlock != nullptr) __tsan_mutex_post_unlock(&mutex, 0);
}

void say_unlocked(pthread_mutex_t& mutex) noexcept {
  if (__tsan_mutex_pre_unlock == nullptr || __tsan_mutex_post_unlock == nullptr) return;
  __tsan_mutex_pre_unlock(&mutex, 0);
  __tsan_mutex_post_unlock(&mutex, 0);
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

Locked::Locked(pthread_mutex_t& mutex, Wait wait) noexcept : mutex_(mutex), held_(true) {
  if (wait == Wait::kAsLongAsItTakes) {
    lock(mutex);
    return;
  }
  timespec until{};
  ::clock_gettime(CLOCK_MONOTONIC, &until);  // which steps of the wall clock can't move
  until.tv_nsec += kBoundNs;
  if (until.tv_nsec >= 1'000'000'000) {
    until.tv_nsec -= 1'000'000'000;
    ++until.tv_sec;
  }
  held_ = lock_by(mutex, kTryLock,
                  [&] { return ::pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &until); });
}

Locked::~Locked() {
  if (held_) unlock(mutex_);
}

}  // namespace metrics::update
