// gate.h -- one process, or thread, lets another one go on.
#pragma once

#include <chrono>
#include <cstddef>

namespace metrics::test {

// Each pass takes one let_pass(). No pass waits forever, so that a test whose worker has died fails
// and does not hang.
class Gate {
 public:
  Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate();
  void let_pass(std::size_t how_many = 1);
  // Waits for a let_pass(). Throws std::runtime_error when none has come for half a minute.
  void pass();
  // Waits for a let_pass(). Returns false when none has come in that time.
  bool try_pass(std::chrono::milliseconds at_most = std::chrono::seconds(20));
  // Takes each let_pass() that has come already, up to `most` of them, and returns their number.
  std::size_t passed(std::size_t most);

 private:
  bool ready(std::chrono::milliseconds at_most) const;
  bool take() const;

  int ends_[2];  // of a pipe: a byte in it is a let_pass()
};

}  // namespace metrics::test
