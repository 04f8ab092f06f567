// locked.h -- scopes in which nothing interrupts the thread, and the lock, which a thread holds
// only in such a scope.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace metrics::update {

// Keeps the thread from being cancelled in the scope: opening a file and writing a line are
// cancellation points, and the library's functions can't be unwound there.
class Uncancelled {
 public:
  Uncancelled() noexcept;
  ~Uncancelled();
  Uncancelled(const Uncancelled&) = delete;
  Uncancelled& operator=(const Uncancelled&) = delete;

 private:
  int before_;
};

// Blocks all signals of the thread and its cancellation in the scope, and restores its errno at the
// end. A signal handler that ran meanwhile could ask for the lock that the thread holds; and an
// update disturbs neither its caller's errno nor its signals.
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

// Takes the mutex for a fork(), with signals blocked; release_after_fork() ends that, in the parent
// and in the child. Other fork handlers run in between, and may register series and update: the
// mutex is this thread's already, so that its Locked scopes don't wait for it.
void hold_for_fork(pthread_mutex_t& mutex) noexcept;
// `in_child`: the mutex was wiped, so that there is nothing to unlock.
void release_after_fork(pthread_mutex_t& mutex, bool in_child) noexcept;

// Makes each thread that has unlocked the mutex call this function next, with its signals as they
// were. Called when the library is loaded.
void set_after_unlock(void (*function)() noexcept) noexcept;

// Holds the mutex in the scope, with signals blocked.
class Locked {
 public:
  enum class Wait { kAsLongAsItTakes, kBounded, kNot };
  explicit Locked(pthread_mutex_t& mutex, Wait wait = Wait::kAsLongAsItTakes) noexcept;
  ~Locked();
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  bool held() const noexcept { return held_; }  // false: the mutex was not free within the wait

 private:
  struct AfterUnlock {
    ~AfterUnlock();
    bool unlocked = false;
  };
  AfterUnlock after_;  // destroyed last: the signals are as they were
  Quiet quiet_;
  pthread_mutex_t& mutex_;
  bool held_;
  bool unlocks_;  // false also if the thread's fork() holds it
};

}  // namespace metrics::update
