// clock.h -- the time that segments hold: when they were created, slots were claimed, gauges set.
#pragma once

#include <cstdint>
#include <ctime>

namespace metrics::format {

inline std::uint64_t now_ns(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}
// Returns CLOCK_REALTIME in nanoseconds: the monotonic clock differs between time namespaces.
inline std::uint64_t now_ns() noexcept { return now_ns(CLOCK_REALTIME); }
// Returns it as it was some milliseconds ago at most, in a quarter of the time.
inline std::uint64_t about_now_ns() noexcept { return now_ns(CLOCK_REALTIME_COARSE); }

}  // namespace metrics::format
