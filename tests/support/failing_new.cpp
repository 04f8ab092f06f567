#include "tests/support/failing_new.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

thread_local bool (*asked)() = nullptr;

bool fails() { return asked != nullptr && asked(); }

void* allocated(std::size_t bytes) { return fails() ? nullptr : std::malloc(bytes + (bytes == 0)); }

void* allocated(std::size_t bytes, std::align_val_t alignment) {
  const auto unit = static_cast<std::size_t>(alignment);
  return fails() ? nullptr : std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
}

void* or_throw(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// Out of line: the compiler would take free() for the wrong way to free what new has returned.
[[gnu::noinline]] void release(void* memory) { std::free(memory); }

}  // namespace

namespace metrics::test {

void set_failing(bool (*fails)()) noexcept { asked = fails; }

}  // namespace metrics::test

void* operator new(std::size_t bytes) { return or_throw(allocated(bytes)); }
void* operator new[](std::size_t bytes) { return or_throw(allocated(bytes)); }
void* operator new(std::size_t bytes, std::align_val_t a) { return or_throw(allocated(bytes, a)); }
void* operator new[](std::size_t bytes, std::align_val_t a) {
  return or_throw(allocated(bytes, a));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return allocated(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return allocated(bytes); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
