// worker.h -- processes for tests: started in every way there is, told when to go on, waited for.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>

namespace metrics::test {

// Runs the body in a forked child, which leaves by _exit() with 1 if an expectation in it has
// failed.
pid_t forked(const std::function<void()>& body);
// The same by a clone() that no library sees.
pid_t raw_cloned(const std::function<void()>& body);
[[noreturn]] void leave();

// Waits for its end: its exit code, or 128 and the signal that has killed it.
int ended(pid_t pid);
// Kills it and waits until it is gone.
void killed(pid_t pid);

// One process, or thread, tells another one to go on. Each pass() takes one let_pass(); it throws
// when none has come for half a minute, so that a test whose worker has died fails and does not
// hang.
class Gate {
 public:
  Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate();
  void let_pass(std::size_t how_many = 1);
  void pass();
  // How often it could be passed by now, at most `most`; takes them. Waits for none.
  std::size_t passed(std::size_t most);

 private:
  int read_;
  int write_;
};

// Looks again and again, for ten seconds at most: only where the kernel may be late.
bool eventually(const std::function<bool()>& condition);

// Memory that forked children share.
void* shared_memory(std::size_t bytes);
template <class T>
T& shared() {
  return *new (shared_memory(sizeof(T))) T();
}

}  // namespace metrics::test
