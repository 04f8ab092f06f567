#include "tests/support/worker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <system_error>

namespace metrics::test {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

pid_t run(pid_t pid, const std::function<void()>& body) {
  if (pid < 0) fail("fork");
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // no test leaves anybody behind
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

Gate::Gate() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
  read_ = ends[0];
  write_ = ends[1];
}

Gate::~Gate() {
  ::close(read_);
  ::close(write_);
}

void Gate::let_pass(std::size_t how_many) {
  const char byte = 0;
  for (std::size_t i = 0; i < how_many; ++i) {
    if (::write(write_, &byte, 1) != 1) fail("write to a pipe");
  }
}

void Gate::pass() {
  constexpr int kPatienceMs = 30'000;
  pollfd wanted{read_, POLLIN, 0};
  int ready;
  do {
    ready = ::poll(&wanted, 1, kPatienceMs);
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) throw std::runtime_error("nobody has let pass");
  char byte;
  if (::read(read_, &byte, 1) != 1) fail("read from a pipe");
}

std::size_t Gate::passed(std::size_t most) {
  std::size_t taken = 0;
  for (pollfd wanted{read_, POLLIN, 0}; taken < most && ::poll(&wanted, 1, 0) == 1; ++taken) pass();
  return taken;
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::sched_yield();
  }
  return true;
}

void* shared_memory(std::size_t bytes) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) fail("mmap");
  return at;
}

}  // namespace metrics::test
