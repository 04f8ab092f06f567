// sanitizer.h -- what ThreadSanitizer must be told, in programs that are built with it.
//
// The library itself usually isn't: then ThreadSanitizer sees libc's calls and what the program's
// own code touches, but not the library's atomics, which order the one behind the other.
#pragma once

#include <pthread.h>

namespace metrics::update {

// True if the program is built with ThreadSanitizer, whether this library is or not.
bool is_watched() noexcept;

// Says that the mutex is unlocked though nobody has unlocked it: in a forked child.
void say_unlocked(pthread_mutex_t& mutex) noexcept;

// Says that what was stored before is seen by every thread that gets this address from the library;
// the other side is metrics_hot_acquire().
void say_released(const void* address) noexcept;

}  // namespace metrics::update
