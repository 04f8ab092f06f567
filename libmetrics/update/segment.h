// segment.h -- a segment that this process has joined, as updates need it: mapped parts, pages
// reserved for slots.
//
// How it is joined, or created, stands in setup/join.h. Nothing here allocates or throws, and all
// of it may be called in a signal handler.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "libmetrics/format/file.h"
#include "libmetrics/format/geometry.h"
#include "libmetrics/format/layout.h"
#include "metrics/metrics.h"

namespace boost::interprocess {
class mapped_region;
}

namespace metrics::update {

// Header, heads, index and directory are mapped for writing. Slots are mapped by the threads that
// claim them. Nothing is ever unmapped: a thread may be writing as the process ends.
class Segment {
 public:
  // What joining has found out: the file's absolute path, its checked geometry, which file it is,
  // and everything before slot 0, mapped for writing.
  struct Joined {
    std::string file;
    format::Geometry geometry;
    dev_t device;
    ino_t inode;
    std::unique_ptr<boost::interprocess::mapped_region> region;
  };
  explicit Segment(Joined joined) noexcept;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment();

  const std::string& file() const noexcept { return file_; }
  const format::Geometry& geometry() const noexcept { return geometry_; }
  format::Header& header() const noexcept;
  format::Head& head(format::SlotIndex slot) const noexcept;
  std::byte* base() const noexcept { return base_; }
  void drop(format::Drop reason) const noexcept;

  // A descriptor of its own for the mapped file. Empty, with errno, if the file can't be opened
  // under its name; ESTALE if another file has that name now.
  format::Descriptor reopen() const noexcept;

  // True if the path no longer names this file: it was deleted or replaced, in a directory that
  // still exists. Further updates reach no reader.
  bool is_gone() const noexcept;

  // Maps a slot for writing; nullptr with errno if it can't be mapped. Touch only reserved pages.
  format::Cell* map_slot(int fd, format::SlotIndex slot) const noexcept;

  // Reserves `bytes` from `offset` in a slot, both multiples of the page size. False with errno if
  // there is no room; then nobody may touch these pages. The lanes' and slots' other pages are as
  // they were.
  bool reserve(int fd, format::SlotIndex slot, std::uint64_t offset,
               std::uint64_t bytes) const noexcept;

 private:
  const std::string file_;
  const format::Geometry geometry_;
  const dev_t device_;
  const ino_t inode_;
  const std::unique_ptr<boost::interprocess::mapped_region> region_;
  std::byte* const base_;
};

// The status of a segment that was joined after one of the functions above has failed with that
// errno.
metrics_status status_of(int error) noexcept;

// True if the process may make a file that large. Otherwise the kernel would kill it with SIGXFSZ.
bool within_size_limit(std::uint64_t file_bytes) noexcept;

// Reserves memory or disk space for that part of a file. False with errno if there is no room, or
// the process may not make the file that large.
bool reserve_in_file(int fd, std::uint64_t offset, std::uint64_t bytes) noexcept;

// Touches reserved pages ahead of their first use, where the kernel knows how; only saves time.
void populate(void* address, std::size_t bytes) noexcept;

}  // namespace metrics::update
