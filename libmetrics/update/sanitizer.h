// sanitizer.h -- hints for ThreadSanitizer, in programs that are built with it.
//
// The library itself usually isn't. ThreadSanitizer then sees libc's calls and the accesses of the
// program's own code, but not the library's atomics, which put these accesses in order.
#pragma once

#include <pthread.h>

namespace metrics::update {

// Returns true if the program is built with ThreadSanitizer, whether this library is or not.
bool is_watched() noexcept;

// Marks the mutex as unlocked. In a forked child it is, although no thread of the child has
// unlocked it.
void say_unlocked(pthread_mutex_t& mutex) noexcept;

// Marks the stores made so far as visible to every thread that gets this address from the library.
// The other side is metrics_hot_acquire().
void say_released(const void* address) noexcept;

}  // namespace metrics::update
