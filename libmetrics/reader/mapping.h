// mapping.h -- reads a file through a mapping, though other processes may truncate it meanwhile.
//
// Touching a page of a mapping that is not in the file any more raises SIGBUS. Reads therefore
// happen inside of read_guarded(), which ends at the first one that fails. Only programs that let
// this library set signal handlers may use it: the first mapping installs the handler, which
// restores the previous one when a SIGBUS is raised outside of read_guarded().
#pragma once

#include <setjmp.h>

#include <cstddef>
#include <cstdint>

namespace metrics::reader {

// Maps a whole file for reading and unmaps it at the end of the scope.
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

// Where the handler of a SIGBUS in this thread jumps to; nullptr: to the previous handler. Only
// read_guarded() sets it.
extern constinit thread_local sigjmp_buf* guard_of_this_thread;

// Calls `read`. Returns true if it came to its end; false if it touched a page that is not there,
// and was left in the middle. So `read` must hold nothing that a destructor would have to release,
// and the caller must expect that what it wrote is half written.
template <class Read>
[[gnu::noinline]] bool read_guarded(Read read) noexcept {
  sigjmp_buf guard;
  // Does not save the signal mask, which costs a system call: the handler does not block its
  // signal.
  if (sigsetjmp(guard, 0) != 0) {
    guard_of_this_thread = nullptr;
    return false;
  }
  guard_of_this_thread = &guard;
  __asm__ volatile(""
                   :
                   :
                   : "memory");  // the compiler keeps reads behind this barrier and before the next
  read();
  __asm__ volatile("" : : : "memory");
  guard_of_this_thread = nullptr;
  return true;
}

}  // namespace metrics::reader
