// processes.h -- children for the fault suite: started, waited for with a bound, always by pid.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <new>
#include <optional>
#include <string>

namespace metrics::torture {

// Forks; the child runs the body and leaves by _exit(0), or _exit(70) if it throws. It dies with
// its parent.
pid_t start(const std::function<void()>& body);

// How it has ended: as by waitpid(). None if it still lives after that time: it is killed then.
std::optional<int> wait_for(pid_t pid, std::chrono::milliseconds at_most);
// "exit code 3", "signal 11", "hung".
std::string to_text(const std::optional<int>& status);
inline bool well(const std::optional<int>& status) { return status && *status == 0; }

// start() and wait_for() at once.
std::optional<int> run_child(const std::function<void()>& body,
                             std::chrono::milliseconds at_most = std::chrono::seconds(20));

void kill_and_reap(pid_t pid);

// Looks again and again until the deadline, yielding: only where somebody else may be late.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds at_most = std::chrono::seconds(10));

// Lets that time pass.
void pause_for(std::chrono::microseconds time);

// Memory that forked children share with their parent, and that no segment has.
void* shared_memory(std::size_t bytes);
template <class T>
T& shared() {
  return *new (shared_memory(sizeof(T))) T();
}

// One-way signals between processes: let_pass() in one, pass() in another, with a bound.
class Gate {
 public:
  Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate();
  void let_pass(std::size_t how_many = 1);
  bool pass(std::chrono::milliseconds at_most = std::chrono::seconds(20));

 private:
  int ends_[2];
};

}  // namespace metrics::torture
