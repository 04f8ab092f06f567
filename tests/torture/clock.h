// clock.h -- the wall clock of this process, set back as an administrator or NTP might.
#pragma once

#include <chrono>

namespace metrics::torture {

// From now on CLOCK_REALTIME is that much earlier in this process, and in those that it forks.
// Under a sanitizer, which has a clock_gettime of its own, it stays as it is.
void set_clock_back(std::chrono::seconds by);

}  // namespace metrics::torture
