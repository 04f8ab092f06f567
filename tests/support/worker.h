// worker.h -- processes for tests: started in every way there is, killed, waited for.
#pragma once

#include <sys/types.h>

#include <functional>

namespace metrics::test {

// Runs the body in a forked child, which leaves by _exit() with 1 if an expectation in it has
// failed.
pid_t forked(const std::function<void()>& body);
// The same by a clone() that no library sees.
pid_t raw_cloned(const std::function<void()>& body);
[[noreturn]] void leave();

// Waits for its end: its exit code, or 128 and the signal that has killed it.
int ended(pid_t pid);
// Kills it and waits until it is gone.
void killed(pid_t pid);

}  // namespace metrics::test
