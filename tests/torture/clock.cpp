#include "tests/torture/clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace metrics::torture {
namespace {

std::atomic<long> seconds_back{0};

}  // namespace

void set_clock_back(std::chrono::seconds by) { seconds_back += static_cast<long>(by.count()); }

}  // namespace metrics::torture

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TORTURE_CLOCK_IS_TAKEN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TORTURE_CLOCK_IS_TAKEN 1
#endif

#if !defined(TORTURE_CLOCK_IS_TAKEN)
// In the place of libc's, for everything in this program.
extern "C" [[gnu::visibility("default")]] int clock_gettime(clockid_t clock,
                                                            timespec* now) noexcept {
  const long result = ::syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && clock == CLOCK_REALTIME) {
    now->tv_sec -= metrics::torture::seconds_back.load(std::memory_order_relaxed);
  }
  return static_cast<int>(result);
}
#endif
