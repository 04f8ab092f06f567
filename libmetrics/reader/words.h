// words.h -- memory for copies of large parts of a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace metrics::reader {

// Leaves elements that get no value as they are: who copies to them would write all of them twice.
template <class T>
struct Unfilled : std::allocator<T> {
  Unfilled() noexcept = default;
  template <class U>
  explicit Unfilled(const Unfilled<U>&) noexcept {}
  template <class U>
  struct rebind {
    using other = Unfilled<U>;
  };
  template <class U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Args>
  void construct(U* at, Args&&... args) {
    ::new (static_cast<void*>(at)) U(std::forward<Args>(args)...);
  }
};

using Words = std::vector<std::uint64_t, Unfilled<std::uint64_t>>;

// Asks the kernel for large pages where these bytes are going to be written for the first time: a
// page that is touched first takes microseconds, whatever size it has.
void prefer_large_pages(void* begin, std::size_t bytes) noexcept;

// Lets all memory of a vector go, which an assignment of {} would keep.
template <class Vector>
void let_go(Vector& vector) noexcept {
  Vector().swap(vector);
}

}  // namespace metrics::reader
