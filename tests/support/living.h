// living.h -- programs that a test starts, each in a process of its own.
#pragma once

#include <gtest/gtest.h>

#include "tests/support/gate.h"
#include "tests/support/worker.h"

namespace metrics::test {

// Runs the body as a program that is started and ends.
template <class Body>
void started(Body body) {
  ASSERT_EQ(ended(forked(body)), 0);
}

// A program that is started, runs the body, and then lives until it is told to end.
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
  void end() {
    end_.let_pass();
    EXPECT_EQ(ended(pid_), 0);
  }
  void kill() { killed(pid_); }
  pid_t pid() const { return pid_; }

 private:
  Gate done_, end_;
  pid_t pid_;
};

}  // namespace metrics::test
