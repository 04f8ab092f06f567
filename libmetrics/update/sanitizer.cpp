#include "libmetrics/update/sanitizer.h"

// ThreadSanitizer's entry points (sanitizer/tsan_interface.h). They are null unless the program is
// built with it.
extern "C" {
[[gnu::weak]] int __tsan_mutex_pre_unlock(void* mutex, unsigned flags);
[[gnu::weak]] void __tsan_mutex_post_unlock(void* mutex, unsigned flags);
[[gnu::weak]] void __tsan_release(void* address);
}

namespace metrics::update {

bool is_watched() noexcept { return __tsan_release != nullptr; }

void say_unlocked(pthread_mutex_t& mutex) noexcept {
  if (__tsan_mutex_pre_unlock == nullptr || __tsan_mutex_post_unlock == nullptr) return;
  __tsan_mutex_pre_unlock(&mutex, 0);
  __tsan_mutex_post_unlock(&mutex, 0);
}

void say_released(const void* address) noexcept {
  if (__tsan_release != nullptr) __tsan_release(const_cast<void*>(address));
}

}  // namespace metrics::update
