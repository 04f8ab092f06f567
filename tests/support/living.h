// living.h -- programs that a test starts, each in a process of its own.
#pragma once

#include <gtest/gtest.h>

#include <utility>

#include "tests/support/gate.h"
#include "tests/support/worker.h"

namespace metrics::test {

// Runs the body as a program that is started and ends.
template <class Body>
void started(Body body) {
  ASSERT_EQ(ended(forked(body)), 0);
}

// Starts a program that runs the body and then lives until end() or kill().
class Living {
 public:
  template <class Body>
  explicit Living(Body body) {
    pid_ = forked([&] {
      body();
      done_.let_pass();
      end_.pass();
    });
    done_.pass();
  }
  Living(const Living&) = delete;
  Living& operator=(const Living&) = delete;
  ~Living() {
    if (pid_ != 0) killed(pid_);
  }
  void end() {
    end_.let_pass();
    EXPECT_EQ(ended(std::exchange(pid_, 0)), 0);
  }
  void kill() { killed(std::exchange(pid_, 0)); }
  pid_t pid() const { return pid_; }

 private:
  Gate done_, end_;
  pid_t pid_;
};

}  // namespace metrics::test
