// stepper.h -- runs a piece of a program instruction by instruction, and kills it at any one of
// them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace metrics::torture {

// What is stepped: the body, after the preparation has run at full speed in the same process.
struct Scene {
  // Where the body runs: in the process that prepared, in a thread of its own (to the end of its
  // life), or in a forked child, from the first instruction after fork() in it.
  enum class Place { kProcess, kThread, kForkedChild };
  const char* name;
  Place place;
  std::function<std::function<void()>()> prepare;  // returns the body
};

// True if this machine can single-step.
bool can_step();

class Stepper {
 public:
  // Records the addresses of all instructions of one whole run.
  explicit Stepper(const Scene& scene);
  std::size_t length() const { return trace_.size(); }

  // Runs the scene anew and kills it with SIGKILL before its n-th instruction. All of its processes
  // are gone then. False if this run took another way and ended before.
  bool kill_at(std::size_t n) const;
  // Does the same, but has the scene's process handle a signal there and go on to its end, before
  // it is killed.
  bool interrupt_at(std::size_t n, int signal) const;

 private:
  // From where on an instruction is reached by single steps; to there a breakpoint leads, by its
  // n-th hit.
  struct Anchor {
    std::size_t at;
    std::uint32_t hits;
  };
  const Scene& scene_;
  std::vector<std::uintptr_t> trace_;
  std::vector<Anchor> anchors_;  // of each instruction, the cheapest
};

}  // namespace metrics::torture
