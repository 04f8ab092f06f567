// forged_segment.h -- makes a segment's file that no worker has written: it claims that all of its
// slots were used and all of its directory is in use, and takes only the space of what is written
// into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libmetrics/format/definition.h"
#include "libmetrics/format/geometry.h"

namespace metrics::test {

class ForgedSegment {
 public:
  explicit ForgedSegment(const metrics_geometry& claims);

  // Links a family's record. Returns its offset, for series().
  std::uint64_t family(const format::Definition& definition);
  // Links a series' record; throws std::length_error if the directory is full.
  void series(std::uint64_t family, const std::vector<std::string>& labels,
              std::uint64_t first_cell, std::uint32_t cell_count);
  std::uint64_t directory_left() const { return geometry_.directory_bytes - used_; }

  // Replaces the file; the next two fill in more of it. They throw std::runtime_error if they
  // can't.
  void write(const std::string& file) const;
  void write_cells(const std::string& file, format::SlotIndex slot, std::uint64_t first_cell,
                   std::span<const std::uint64_t> cells) const;
  // Gives each of the first `count` first slots an owner of the past, of the first generation. All
  // are of this pid namespace, and have pids of their own, unless all shall have this one.
  void write_owners(const std::string& file, format::SlotIndex count, std::uint64_t pid = 0) const;

 private:
  std::byte* linked(std::uint64_t bytes);

  const format::Geometry geometry_;
  std::vector<std::uint64_t> records_;
  std::uint64_t used_ = 0, last_ = 0;  // of the directory's bytes; where the last record begins
};

}  // namespace metrics::test
