// reader.h -- a segment as the aggregator and the inspector see it: opened read-only, copied, and
// the copy checked.
//
// Whoever writes to the file may scribble, truncate, replace or delete it while it is read: then
// reading fails with the reason, and nothing else happens. What is parsed is copied and the copy
// checked; only slots may be mapped. Memory is asked for in the measure of what the file itself
// takes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libmetrics/format/file.h"
#include "libmetrics/format/geometry.h"
#include "libmetrics/format/ownership.h"
#include "libmetrics/reader/contents.h"
#include "libmetrics/reader/mapping.h"

namespace metrics::reader {

// The directory at one moment: the copied bytes and what they describe.
struct Catalogue {
  std::uint64_t shape;  // differs from every other catalogue's of this process; never 0
  Contents contents;    // views into `records`
  std::vector<std::string> faults;
  std::vector<std::uint64_t> links, records;
  format::Geometry geometry;
  std::uint64_t cells = 0;  // behind the last one that a series has
};

// The header's counters at one moment.
struct Usage {
  std::uint64_t created_ns, id;
  std::uint32_t minor;
  std::uint64_t directory_used, cells_used;        // at most what there is
  format::SlotIndex first_slots_used, lanes_used;  // likewise: the highest ever claimed
  std::array<std::uint64_t, format::kDropCapacity> dropped;
};

// A head at one moment.
struct HeadCopy {
  format::SlotIndex slot;
  std::uint64_t pid, pid_namespace, claimed_ns;
  std::string command;  // at most 16 bytes, whatever they are
  std::uint64_t generation;
  format::Owner owner;  // of a lane
};

// How slots are read. kMapped takes less time, and a handler for SIGBUS: see mapping.h.
enum class Access { kCopied, kMapped };

// For one thread at a time.
class Reader {
 public:
  explicit Reader(std::string file, Access access = Access::kCopied);

  // Takes a new look: opens the file that now has the name if it is another one than before, and
  // copies the header and the directory. False, with why(), if there is none or it can't be a
  // segment; the next call tries again. What the other functions return stays as it was until the
  // next look.
  bool look();
  const std::string& why() const noexcept { return why_; }
  const std::string& file() const noexcept { return file_; }

  // The rest after a look() that succeeded.
  const format::Geometry& geometry() const noexcept { return geometry_; }
  const Usage& usage() const noexcept { return usage_; }
  std::shared_ptr<const Catalogue> catalogue() const noexcept { return catalogue_; }

  // All slots that were ever used, in the order in which doubles are to be added: slot 0, first
  // slots, lanes.
  std::vector<format::SlotIndex> used_slots() const;
  // Copies the slot's first catalogue()->cells cells; valid until the next call. False, with why(),
  // if the file was truncated meanwhile.
  bool read_cells(format::SlotIndex slot, std::span<const std::uint64_t>& cells);
  // True if slots are mapped: then mapped_cells() has them too.
  bool is_mapped() const noexcept { return static_cast<bool>(slots_); }
  // The slot's cells where they are. Only those of stretches that data_in() has found may be
  // touched, others would take memory; in read_guarded(), and each with one access, as their writer
  // changes them.
  const std::uint64_t* mapped_cells(format::SlotIndex slot) const noexcept;
  // Cells begin..end-1, whole pages of which some were written.
  struct Stretch {
    std::uint64_t begin, end;
  };
  // Appends the stretches of the slot's first catalogue()->cells cells, all but which are 0,
  // ascending.
  void data_in(format::SlotIndex slot, std::vector<Stretch>& stretches);
  // Copies some of the slot's cells, from `first` on; those in holes are 0, and take no memory.
  // False, with why(), if the file was truncated meanwhile.
  bool copy_cells(format::SlotIndex slot, std::uint64_t first, std::span<std::uint64_t> to);
  // For what reading found in read_guarded().
  bool truncated() { return fail("is truncated"); }

  // The heads of slots 0..last. Read them after the cells whose generations they are to explain.
  // Empty, with why(), if the file was truncated meanwhile.
  std::vector<HeadCopy> heads(format::SlotIndex last);
  // The kernel's word on a first slot.
  format::Ownership owner(format::SlotIndex first_slot) const noexcept {
    return format::ownership(fd_.get(), first_slot);
  }

 private:
  format::SlotIndex highest_used() const noexcept;
  bool open();
  bool is_as_known(std::uint64_t bytes) const;
  bool copy(std::uint64_t offset, std::uint64_t bytes, void* to);
  bool fail(std::string why);

  const std::string file_;
  const Access access_;
  std::string why_;
  format::Descriptor fd_;
  bool found_ = false;  // ever
  format::Geometry geometry_{};
  Usage usage_{};
  std::shared_ptr<const Catalogue> catalogue_;
  std::vector<std::uint64_t> links_;  // scratch
  std::vector<std::uint64_t> cells_;
  Mapping slots_;  // the whole file
  std::vector<std::uint64_t>
      first_hole_;  // of each slot, in cells: up to there it needs not be asked for again
};

}  // namespace metrics::reader
