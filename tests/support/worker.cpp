#include "tests/support/worker.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace metrics::test {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

pid_t run(pid_t pid, const std::function<void()>& body) {
  if (pid < 0) fail("fork");
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // no test leaves a process behind
  try {
    body();
  } catch (const std::exception& e) {
    ADD_FAILURE() << e.what();
  }
  leave();
}

}  // namespace

pid_t forked(const std::function<void()>& body) {
  std::fflush(nullptr);
  return run(::fork(), body);
}

pid_t raw_cloned(const std::function<void()>& body) {
  std::fflush(nullptr);
  return run(static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr)),
             body);
}

void leave() {
  std::fflush(nullptr);
  ::_exit(::testing::Test::HasFailure() ? 1 : 0);
}

int ended(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) != pid) {
    if (errno != EINTR) fail("waitpid");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void killed(pid_t pid) {
  if (::kill(pid, SIGKILL) != 0) fail("kill");
  EXPECT_EQ(ended(pid), 128 + SIGKILL);
}

}  // namespace metrics::test
