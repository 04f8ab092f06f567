#include "libmetrics/update/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <boost/interprocess/mapped_region.hpp>
#include <cerrno>
#include <climits>
#include <cstring>
#include <new>
#include <utility>

namespace metrics::update {

using format::Header;

bool within_size_limit(std::uint64_t file_bytes) noexcept {
  rlimit limit{};
  return ::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
         file_bytes <= limit.rlim_cur;
}

bool reserve_in_file(int fd, std::uint64_t offset, std::uint64_t bytes) noexcept {
  if (!within_size_limit(offset + bytes)) {
    errno = EFBIG;
    return false;
  }
  constexpr int kAttempts = 100;  // bounds the retries after EINTR
  for (int i = 0; i < kAttempts; ++i) {
    if (::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                    static_cast<off_t>(bytes)) == 0) {
      return true;
    }
    if (errno != EINTR) return false;
  }
  return false;
}

void populate(void* address, std::size_t bytes) noexcept {
  constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE, Linux 5.14
  ::madvise(address, bytes, kPopulateWrite);
}

metrics_status status_of(int error) noexcept {
  switch (error) {
    case ESTALE:
    case ENOENT:
    case ENOTDIR:
      return METRICS_GONE;
    case EACCES:
    case EPERM:
    case EROFS:
      return METRICS_NO_PERMISSION;
    default:
      return METRICS_NO_SPACE;
  }
}

Segment::Segment(Joined joined) noexcept
    : file_(std::move(joined.file)),
      geometry_(joined.geometry),
      device_(joined.device),
      inode_(joined.inode),
      region_(std::move(joined.region)),
      base_(static_cast<std::byte*>(region_->get_address())),
      hash_key_(joined.hash_key),
      number_(METRICS_NOWHERE) {}

Segment::~Segment() = default;

Header& Segment::header() const noexcept { return *std::launder(reinterpret_cast<Header*>(base_)); }

format::Head& Segment::head(format::SlotIndex slot) const noexcept {
  return *std::launder(reinterpret_cast<format::Head*>(base_ + geometry_.head_offset(slot)));
}

format::Descriptor Segment::reopen() const noexcept {
  format::Descriptor fd = format::open_file(file_.c_str(), format::OpenFor::kWriting);
  if (!fd) return fd;
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return format::Descriptor();
  if (info.st_dev != device_ || info.st_ino != inode_) {
    errno = ESTALE;
    return format::Descriptor();
  }
  return fd;
}

bool Segment::is_open_as(int fd) const noexcept {
  struct stat info {};
  const int flags = ::fcntl(fd, F_GETFD);
  return flags >= 0 && (flags & FD_CLOEXEC) != 0 && ::fstat(fd, &info) == 0 &&
         info.st_dev == device_ && info.st_ino == inode_;
}

bool Segment::is_gone() const noexcept {
  struct stat info {};
  if (::lstat(file_.c_str(), &info) == 0) {
    return info.st_dev != device_ || info.st_ino != inode_;
  }
  // After a chroot() the directory is missing too, and the segment may still be where it was. So it
  // is gone only if its directory is still there.
  if (errno != ENOENT) return false;
  std::array<char, PATH_MAX> directory{};
  const std::size_t length = file_.rfind('/') + 1;
  if (length >= directory.size()) return false;
  std::memcpy(directory.data(), file_.data(), length);
  return ::stat(directory.data(), &info) == 0;
}

format::Cell* Segment::map_slot(int fd, format::SlotIndex slot) const noexcept {
  void* address = ::mmap(nullptr, geometry_.slot_bytes, PROT_NONE, MAP_SHARED, fd,
                         static_cast<off_t>(geometry_.slot_offset(slot)));
  if (address == MAP_FAILED) return nullptr;
  ::madvise(address, geometry_.slot_bytes, MADV_DONTDUMP);
  return static_cast<format::Cell*>(address);
}

void Segment::unmap_slot(format::Cell* slot) const noexcept {
  ::munmap(slot, geometry_.slot_bytes);
}

bool Segment::open(format::Cell* slot, std::uint64_t bytes) noexcept {
  return ::mprotect(slot, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool Segment::reserve(int fd, format::SlotIndex slot, std::uint64_t offset,
                      std::uint64_t bytes) const noexcept {
  return reserve_in_file(fd, geometry_.slot_offset(slot) + offset, bytes);
}

}  // namespace metrics::update
