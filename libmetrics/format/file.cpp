#include "libmetrics/format/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace metrics::format {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

// Takes their numbers with descriptors that can be neither read nor written: for the other thread
// they are as good as closed.
StandardDescriptorsKept::StandardDescriptorsKept() noexcept {
  for (int fd = 0; fd < static_cast<int>(kept_.size()); ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    Descriptor lowest(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    // A higher one: another thread has opened a file meanwhile, and has taken the number.
    if (lowest.get() <= STDERR_FILENO) kept_[static_cast<std::size_t>(fd)] = std::move(lowest);
  }
}

Descriptor open_file(const char* path, OpenFor purpose) noexcept {
  const StandardDescriptorsKept kept;
  const int access = purpose == OpenFor::kWriting ? O_RDWR : O_RDONLY;
  Descriptor opened(::open(path, access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!opened || opened.get() > STDERR_FILENO) return opened;
  // Another thread has closed one meanwhile.
  return Descriptor(::fcntl(opened.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

const char* not_a_segment(int error) noexcept {
  switch (error) {
    case ELOOP:
      return "is a symbolic link; give the path of the file itself";
    case EISDIR:
    case ENXIO:
      return "is not a regular file; remove it, or choose another path";
    default:
      return nullptr;
  }
}

std::uint64_t space_taken(const struct stat& info) noexcept {
  constexpr std::uint64_t kBlock = 512;  // the unit of st_blocks on every file system
  return static_cast<std::uint64_t>(info.st_blocks) * kBlock;
}

std::size_t page_bytes() noexcept {
  static const std::size_t bytes =
      std::max(kPage, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
  return bytes;
}

}  // namespace metrics::format
