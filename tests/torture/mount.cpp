#include "tests/torture/mount.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace metrics::torture {

Mount::Mount(const std::string& directory, const std::string& options) : directory_(directory) {
  if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    ::_exit(kImpossible);
  }
  if (::mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", directory.c_str(), "tmpfs", 0, options.c_str()) != 0) {
    ::_exit(kImpossible);
  }
}

void Mount::fill() const {
  const int fd = ::open(path("ballast").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  struct stat info {};
  ::fstat(fd, &info);
  for (off_t at = info.st_size, step = 1 << 20; step >= 4096;) {
    if (::fallocate(fd, 0, at, step) == 0) {
      at += step;
    } else {
      step /= 2;
    }
  }
  ::close(fd);
}

void Mount::empty() const { ::unlink(path("ballast").c_str()); }

}  // namespace metrics::torture
