#include "tests/torture/processes.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <system_error>

namespace metrics::torture {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

pid_t start(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) fail("fork");
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // 0: the parent is outside of the pid namespace that begins here.
  if (::getppid() != parent && ::getppid() != 0) ::_exit(0);
  try {
    body();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "  child: %s\n", e.what());
    ::_exit(70);
  }
  std::fflush(nullptr);
  ::_exit(0);
}

std::optional<int> wait_for(pid_t pid, std::chrono::milliseconds at_most) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid) return status;
    if (ended < 0 && errno != EINTR) fail("waitpid");
    if (std::chrono::steady_clock::now() > deadline) {
      kill_and_reap(pid);
      return std::nullopt;
    }
    pause_for(std::chrono::microseconds(100));  // pidfd_open() is nothing that Valgrind knows
  }
}

std::string to_text(const std::optional<int>& status) {
  if (!status) return "hung";
  if (WIFSIGNALED(*status)) return "signal " + std::to_string(WTERMSIG(*status));
  return "exit code " + std::to_string(WEXITSTATUS(*status));
}

std::optional<int> run_child(const std::function<void()>& body, std::chrono::milliseconds at_most) {
  return wait_for(start(body), at_most);
}

void kill_and_reap(pid_t pid) {
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, __WALL) != pid && errno == EINTR) {
  }
}

void pause_for(std::chrono::microseconds time) {
  const auto us = time.count();
  const timespec wanted{us / 1'000'000, us % 1'000'000 * 1000};
  ::ppoll(nullptr, 0, &wanted, nullptr);
}

}  // namespace metrics::torture
