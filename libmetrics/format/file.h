// file.h -- a segment's file as every program opens and measures it.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "libmetrics/format/layout.h"

namespace metrics::format {

// An open descriptor, closed at the end of the scope.
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

// Opens the file at that path for reading, or for reading and writing. Follows no symbolic link,
// waits for nobody, and gives the descriptor to no program that is executed. Empty, with errno, if
// it can't be opened.
enum class OpenFor { kReading, kWriting };
Descriptor open_file(const char* path, OpenFor purpose) noexcept;

// Why a file that open_file() has failed to open with that errno can be no segment, and what to do
// about it: what follows the file's name in a sentence. nullptr for errors that are the system's to
// explain.
const char* not_a_segment(int error) noexcept;

// The memory or disk space that a file takes: segments are sparse.
std::uint64_t space_taken(const struct stat& info) noexcept;

// The system's page, at least layout::kPage.
std::size_t page_bytes() noexcept;

}  // namespace metrics::format
