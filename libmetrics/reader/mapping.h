// mapping.h -- reading a file through a mapping, though others may truncate it meanwhile.
//
// Touching a page of a mapping that is not in the file any more raises SIGBUS. Reads therefore
// happen inside of read_guarded(), which ends at the first one that fails. For programs whose
// signal handlers are ours to set: the handler is installed when the first mapping is made, and
// passes on what was not raised inside of read_guarded().
#pragma once

#include <setjmp.h>

#include <cstddef>
#include <cstdint>

namespace metrics::reader {

// A file mapped for reading, whole; unmapped at the end of the scope.
class Mapping {
 public:
  Mapping() noexcept = default;
  Mapping(int fd, std::uint64_t bytes) noexcept;  // empty if it can't be mapped
  Mapping(Mapping&& other) noexcept : data_(other.data_), bytes_(other.bytes_) {
    other.data_ = nullptr;
    other.bytes_ = 0;
  }
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();
  explicit operator bool() const noexcept { return data_ != nullptr; }
  const std::byte* data() const noexcept { return data_; }
  std::uint64_t bytes() const noexcept { return bytes_; }  // 0 if empty

 private:
  const std::byte* data_ = nullptr;
  std::uint64_t bytes_ = 0;
};

// Where a SIGBUS of this thread leads, nullptr for elsewhere. For read_guarded() alone.
extern constinit thread_local sigjmp_buf* guard_of_this_thread;

// True if `read` came to its end; false if it touched a page that is not there, and was left in the
// middle: it may hold nothing that a destructor would have to give back, and has to be ready for
// what it wrote to be half written.
template <class Read>
[[gnu::noinline]] bool read_guarded(Read read) noexcept {
  sigjmp_buf guard;
  // Without the signal mask, which costs a system call: the handler does not block its signal.
  if (sigsetjmp(guard, 0) != 0) {
    guard_of_this_thread = nullptr;
    return false;
  }
  guard_of_this_thread = &guard;
  __asm__ volatile(""
                   :
                   :
                   : "memory");  // reads stay behind the line above, and before the one below
  read();
  __asm__ volatile("" : : : "memory");
  guard_of_this_thread = nullptr;
  return true;
}

}  // namespace metrics::reader
