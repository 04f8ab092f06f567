// file.h -- how every program opens and measures a segment's file.
#pragma once

#include <sys/stat.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "libmetrics/format/layout.h"

namespace metrics::format {

// Owns an open descriptor and closes it at the end of the scope.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

// While it lives, no file that this thread opens becomes descriptor 0, 1 or 2, not even for a
// moment. In a program that has closed one of these, another thread may be writing its messages to
// it: they would overwrite the file. Every file that the library opens is opened in such a scope.
class StandardDescriptorsKept {
 public:
  StandardDescriptorsKept() noexcept;
  StandardDescriptorsKept(const StandardDescriptorsKept&) = delete;
  StandardDescriptorsKept& operator=(const StandardDescriptorsKept&) = delete;
  ~StandardDescriptorsKept() = default;

 private:
  std::array<Descriptor, 3> kept_;  // those that were closed
};

// Opens the file at that path for reading, or for reading and writing. It follows no symbolic link
// to the file, never blocks, exec() closes the descriptor, and it is none of descriptors 0 to 2.
// Returns an empty Descriptor, with errno, if the file can't be opened.
enum class OpenFor { kReading, kWriting };
Descriptor open_file(const char* path, OpenFor purpose) noexcept;

// Returns why a file that open_file() has failed to open with that errno can't be a segment, and
// what to do about it, as the rest of a sentence that begins with the file's name. Returns nullptr
// for errors that system_text() explains.
const char* not_a_segment(int error) noexcept;

// Returns the memory or disk space that a file takes, not its size: segments are sparse.
std::uint64_t space_taken(const struct stat& info) noexcept;

// Returns the system's page size, or kPage if that is larger.
std::size_t page_bytes() noexcept;

}  // namespace metrics::format
