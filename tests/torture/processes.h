// processes.h -- children for the fault suite: started, waited for with a bound, always by pid.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace metrics::torture {

// Forks; the child runs the body and leaves by _exit(0), or _exit(70) if it throws. It dies with
// its parent.
pid_t start(const std::function<void()>& body);

// How it has ended: as by waitpid(). None if it still lives after that time: it is killed then.
std::optional<int> wait_for(pid_t pid, std::chrono::milliseconds at_most);
// "exit code 3", "signal 11", "hung".
std::string to_text(const std::optional<int>& status);
inline bool well(const std::optional<int>& status) { return status && *status == 0; }

// start() and wait_for() at once.
std::optional<int> run_child(const std::function<void()>& body,
                             std::chrono::milliseconds at_most = std::chrono::seconds(20));

void kill_and_reap(pid_t pid);

// Lets that time pass.
void pause_for(std::chrono::microseconds time);

}  // namespace metrics::torture
