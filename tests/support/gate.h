// gate.h -- one process, or thread, lets another one go on.
#pragma once

#include <chrono>
#include <cstddef>

namespace metrics::test {

// Each pass takes one let_pass(). No pass waits forever, so a test whose worker has died fails and
// does not hang. Any process and thread that shares the gate may use it: make it before fork(). Its
// functions throw std::system_error if the pipe fails, except for try_pass().
class Gate {
 public:
  Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate();
  // Lets that many passes go on, now or later.
  void let_pass(std::size_t how_many = 1);
  // Waits for a let_pass(). Throws std::runtime_error if none has come after half a minute.
  void pass();
  // Waits for a let_pass(). Returns false if none has come within that time.
  bool try_pass(std::chrono::milliseconds at_most = std::chrono::seconds(20));
  // Takes the let_pass() calls that have already come, up to `most`, and returns their number.
  std::size_t passed(std::size_t most);

 private:
  bool ready(std::chrono::milliseconds at_most) const;
  bool take() const;

  int ends_[2];  // the ends of a pipe; each byte in it is a let_pass()
};

}  // namespace metrics::test
