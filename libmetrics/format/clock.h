// clock.h -- the time that segments hold: when they were created, slots were claimed, gauges set.
#pragma once

#include <cstdint>
#include <ctime>

namespace metrics::format {

// Returns CLOCK_REALTIME in nanoseconds: the monotonic clock differs between time namespaces.
inline std::uint64_t now_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace metrics::format
