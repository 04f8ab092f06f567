// worker.h -- starts processes for tests, by fork() or clone(), kills them, and waits for them.
#pragma once

#include <sys/types.h>

#include <functional>

namespace metrics::test {

// Runs the body in a forked child, which then calls leave(), and returns the child's pid. An
// exception from the body is a failed expectation. The child is killed if the calling thread ends.
// Throws std::system_error if fork() fails.
pid_t forked(const std::function<void()>& body);
// Does the same with a raw clone(), of which no library is notified.
pid_t raw_cloned(const std::function<void()>& body);
// Ends the process by _exit(), with 1 if an expectation in it has failed, else with 0.
[[noreturn]] void leave();

// Waits until the child has ended. Returns its exit code, or 128 plus the signal that killed it.
int ended(pid_t pid);
// Kills the child by SIGKILL, and waits until it has ended.
void killed(pid_t pid);

}  // namespace metrics::test
