#include "tests/torture/scarce_memory.h"

#include <cstdlib>
#include <new>

namespace metrics::torture {
namespace {

thread_local std::mt19937_64* chance = nullptr;  // nullptr: none fails
thread_local unsigned one_in = 0;
thread_local std::uint64_t failures = 0;

bool fails() {
  if (chance == nullptr || (*chance)() % one_in != 0) return false;
  ++failures;
  return true;
}

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

ScarceMemory::ScarceMemory(std::mt19937_64& random, unsigned every) {
  one_in = every;
  chance = &random;
}

ScarceMemory::~ScarceMemory() { chance = nullptr; }

std::uint64_t ScarceMemory::failed() { return failures; }

}  // namespace metrics::torture

using metrics::torture::allocated;
using metrics::torture::or_throw;
using metrics::torture::release;

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
