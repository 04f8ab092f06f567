// segment.h -- the file: its name, its creation, who may join it, and which of its pages are reserved.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "libmetrics/format/layout.h"
#include "metrics/metrics.h"

namespace boost::interprocess {
class mapped_region;
}

namespace metrics::core {

using SlotIndex = std::uint32_t;  // 0: shared; 1..first_slots: processes; above: lanes

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

// A segment's size and the offsets of its parts: what the header says, once it has been checked.
struct Geometry {
  std::uint32_t head_bytes, first_slots, lanes;
  std::uint64_t cells, file_bytes, heads, index, index_buckets;
  std::uint64_t directory, directory_bytes, slots, slot_bytes;

  SlotIndex slot_count() const noexcept { return 1 + first_slots + lanes; }
  std::uint64_t head_offset(SlotIndex slot) const noexcept {
    return heads + std::uint64_t{slot} * head_bytes;
  }
  std::uint64_t slot_offset(SlotIndex slot) const noexcept {
    return slots + std::uint64_t{slot} * slot_bytes;
  }
  std::uint64_t shared_bytes() const noexcept { return slots; }  // everything before slot 0
  friend bool operator==(const Geometry&, const Geometry&) = default;
};

// The geometry of a header that was copied from a file of that size, or why it can't be one. The copy is
// checked, never the original: its writer may be anybody.
struct CheckedGeometry {
  std::optional<Geometry> geometry;
  std::string why;  // if there is none
  metrics_status status = METRICS_OK;
};
CheckedGeometry check_header(const layout::Header& copy, std::uint64_t file_bytes);

// The name of a segment's file: `path` (empty: $METRICS_SEGMENT, else the user's default), absolute, with
// the format's version at its end.
std::string segment_file(const std::string& path);

// The path that $METRICS_SEGMENT gives; empty if it gives none, or may not be trusted (secure_getenv(3)).
std::string segment_variable();
// The ending that all segments of this version have.
std::string segment_ending();

// The geometry that a new file gets: zeros taken from the environment, else from the defaults. Throws
// Error(METRICS_INVALID) that names the variable or the field and its range.
metrics_geometry completed(const metrics_geometry& wanted);

// A segment that this process has joined: header, heads, index and directory mapped for writing. Slots are
// mapped by who claims them. Nothing is ever unmapped: a thread may be writing as the process ends.
class Segment {
 public:
  // Joins `file`, or creates it. Throws Error.
  static std::unique_ptr<Segment> join(const std::string& file, const metrics_geometry& wanted);
  ~Segment();

  const std::string& file() const noexcept { return file_; }
  const Geometry& geometry() const noexcept { return geometry_; }
  layout::Header& header() const noexcept;
  layout::Head& head(SlotIndex slot) const noexcept;
  std::byte* base() const noexcept { return base_; }
  void drop(layout::Drop reason) const noexcept;

  // The rest neither allocates nor throws, and may be called in a signal handler.

  // A descriptor of its own for the mapped file. None, with errno, if the file can't be opened under its
  // name; ESTALE if another file has that name by now.
  Descriptor reopen() const noexcept;

  // True if its name leads to another file by now, or to none in a directory that is there: whoever goes on counts
  // what nobody will see.
  bool is_gone() const noexcept;

  // Maps a slot for writing; nullptr with errno if it can't be. Touch only reserved pages.
  layout::Cell* map_slot(int fd, SlotIndex slot) const noexcept;

  // Reserves `bytes` from `offset` in a slot, both multiples of the page size. False with errno if there is
  // no room; then nobody may touch these pages. The lanes' and slots' other pages are as they were.
  bool reserve(int fd, SlotIndex slot, std::uint64_t offset, std::uint64_t bytes) const noexcept;

 private:
  Segment(std::string file, Geometry geometry, int fd);

  std::string file_;
  Geometry geometry_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  std::unique_ptr<boost::interprocess::mapped_region> region_;
  std::byte* base_ = nullptr;
};

// What it means for a segment that was joined that one of the functions above has failed with that errno.
metrics_status status_of(int error) noexcept;

std::size_t page_bytes() noexcept;  // the system's, at least layout::kPage

// Touches reserved pages ahead of their first use, where the kernel knows how; only saves time.
void populate(void* address, std::size_t bytes) noexcept;

}  // namespace metrics::core
