// locked.h -- scopes in which nothing interrupts the thread, and the lock that is only held in such
// a scope.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace metrics::update {

// Keeps the thread from being cancelled in the scope: opening a file and writing a line are
// cancellation points, and nothing of ours can be unwound there.
class Uncancelled {
 public:
  Uncancelled() noexcept;
  ~Uncancelled();
  Uncancelled(const Uncancelled&) = delete;
  Uncancelled& operator=(const Uncancelled&) = delete;

 private:
  int before_;
};

// For the scope, blocks all signals of the thread (a handler that ran meanwhile could ask for what
// is held) and its cancellation, and keeps its errno: whoever updates a metric knows nothing of
// what that takes.
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

// Holds the mutex, with signals blocked, for the scope.
class Locked {
 public:
  enum class Wait { kAsLongAsItTakes, kBounded };
  explicit Locked(pthread_mutex_t& mutex, Wait wait = Wait::kAsLongAsItTakes) noexcept;
  ~Locked();
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  bool held() const noexcept { return held_; }  // false: the bound has passed

 private:
  Quiet quiet_;
  pthread_mutex_t& mutex_;
  bool held_;
};

}  // namespace metrics::update
