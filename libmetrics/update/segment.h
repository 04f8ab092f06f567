// segment.h -- a segment that this process has joined, as updates need it: its mapped parts, and
// how pages are reserved for slots.
//
// setup/join.h joins it, or creates it. Nothing here allocates or throws, and signal handlers may
// call all of it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "libmetrics/format/file.h"
#include "libmetrics/format/geometry.h"
#include "libmetrics/format/hash.h"
#include "libmetrics/format/layout.h"
#include "metrics/hot.h"
#include "metrics/metrics.h"

namespace boost::interprocess {
class mapped_region;
}

namespace metrics::update {

// Header, heads, index and directory are mapped for writing. Set-up maps slot 0; each other slot is
// mapped by the thread that claims it. A joined segment is never unmapped: a thread may be writing
// as the process ends.
class Segment {
 public:
  // The result of joining: the file's absolute path, its checked geometry, its device and inode,
  // and everything before slot 0, mapped for writing.
  struct Joined {
    std::string file;
    format::Geometry geometry;
    dev_t device;
    ino_t inode;
    std::unique_ptr<boost::interprocess::mapped_region> region;
    format::HashKey hash_key;
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
  const format::HashKey& hash_key() const noexcept { return hash_key_; }
  // Returns the number under which it is published; METRICS_NOWHERE before: see own_slots.h.
  std::uint32_t number() const noexcept { return number_.load(std::memory_order_relaxed); }
  void number(std::uint32_t number) const noexcept {
    number_.store(number, std::memory_order_relaxed);
  }

  // Opens the mapped file anew, with a file description of its own. Returns an empty descriptor
  // with errno if the file can't be opened under its name; ESTALE if another file has that name
  // now.
  format::Descriptor reopen() const noexcept;

  // Returns true if that descriptor is of the mapped file, opened by this library.
  bool is_open_as(int fd) const noexcept;

  // Returns true if the path no longer names this file: it was deleted or replaced, in a directory
  // that still exists. Further updates reach no reader.
  bool is_gone() const noexcept;

  // Maps a slot, without access to any of it: of a mapping that may be written, mlockall(2) would
  // charge the holes too. Returns nullptr with errno on failure.
  format::Cell* map_slot(int fd, format::SlotIndex slot) const noexcept;
  // Undoes map_slot(). No thread may still write to the slot.
  void unmap_slot(format::Cell* slot) const noexcept;
  // Makes the first `bytes` of a mapped slot writable; returns false with errno on failure. The
  // caller may touch only reserved pages of them.
  static bool open(format::Cell* slot, std::uint64_t bytes) noexcept;

  // Reserves `bytes` from `offset` in a slot, both multiples of the page size. Returns false with
  // errno if there is no room; then no thread may touch these pages. All other pages, of this slot
  // and of others, stay as they were.
  bool reserve(int fd, format::SlotIndex slot, std::uint64_t offset,
               std::uint64_t bytes) const noexcept;

 private:
  const std::string file_;
  const format::Geometry geometry_;
  const dev_t device_;
  const ino_t inode_;
  const std::unique_ptr<boost::interprocess::mapped_region> region_;
  std::byte* const base_;
  const format::HashKey hash_key_;
  mutable std::atomic<std::uint32_t> number_;
};

// Returns the status that a joined segment has after one of the functions above has failed with
// that errno.
metrics_status status_of(int error) noexcept;

// Returns true if the process may make a file that large. If it may not, the kernel would kill it
// with SIGXFSZ for trying.
bool within_size_limit(std::uint64_t file_bytes) noexcept;

// Reserves memory or disk space for that part of a file. Returns false with errno if there is no
// room, or the process may not make the file that large.
bool reserve_in_file(int fd, std::uint64_t offset, std::uint64_t bytes) noexcept;

// Touches reserved pages ahead of their first use, if the kernel can do that. It only saves time.
void populate(void* address, std::size_t bytes) noexcept;

}  // namespace metrics::update
