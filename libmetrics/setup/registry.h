// writer.h -- a segment as this process writes to it: its families, which pages are reserved for them, and the
// slots that its threads own.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/format/error.h"
#include "libmetrics/setup/series.h"
#include "libmetrics/update/process.h"
#include "libmetrics/update/segment.h"

namespace metrics::core {

class Writer {
 public:
  // The writer of the segment `path` (as of metrics_open), joined at the first call in this process. One that
  // could not be joined has failure() and counts nothing. Throws Error(METRICS_INVALID) for a path or geometry
  // that is against the rules, METRICS_FULL for one segment too many.
  static Writer& open(const std::string& path, const metrics_geometry& wanted);

  // One that could not even be named: counts nothing, and says why.
  static Writer& nowhere(const Error& why);

  const std::string& file() const noexcept { return file_; }
  const Segment* segment() const noexcept { return segment_.get(); }  // nullptr: not joined
  const Error* failure() const noexcept { return failure_ ? &*failure_ : nullptr; }
  std::uint32_t index() const noexcept { return index_; }
  // True once: who gets it reports the failure.
  bool claim_report() noexcept { return !reported_.exchange(true, std::memory_order_relaxed); }

  // The family of that definition, checked. Throws Error as metrics_*_family; METRICS_CONFLICT and METRICS_FULL
  // leave a refused family in *refused.
  Family& family(Definition definition, Family** refused);

  // The series with these label values; registered and bound to pages if new. Throws Error as metrics_*_labels.
  Series& series(Family& family, std::span<const std::string_view> strings);
  void remove(Family& family, std::span<const std::string_view> strings);
  void clear(Family& family);

  // ---- for claims, in threads.cpp: called with the process's mutex held; none allocates or throws ----

  // The slot, mapped; nullptr with errno.
  layout::Cell* slot(int fd, SlotIndex index) noexcept;
  // Reserves in that slot the pages of all series that are bound, inherited ones included. False with errno.
  bool reserve_bound(int fd, SlotIndex index) noexcept;
  // Begins all gauges anew in a slot just claimed.
  void begin_gauges(layout::Cell* cells, Generation generation) noexcept;
  // For updates of whoever has no slot of his own.
  layout::Cell* shared_cells() const noexcept { return slots_[0].load(std::memory_order_relaxed); }

 private:
  Writer(std::string file, std::uint32_t index);
  void join(const metrics_geometry& wanted);
  void bind(std::uint64_t first_cell, std::uint32_t count);
  std::unique_ptr<Series> make_series(Family& family, std::vector<std::string> values,
                                      std::uint64_t hash);
  bool reserve_run(int fd, SlotIndex index, std::uint64_t page, std::uint64_t count) noexcept;
  template <class Visit>
  void each_own_slot(Visit visit) const;

  const std::string file_;
  const std::uint32_t index_;
  std::unique_ptr<Segment> segment_;
  std::optional<Error> failure_;
  std::atomic<bool> reported_{false};
  std::map<std::pair<Type, std::string>, std::vector<std::unique_ptr<Family>>> families_;
  // Of all slots alike: a bit for each page that holds cells of a bound series. Every slot of this process, and
  // slot 0, has all of them reserved before a handle or a slot is given out.
  std::vector<std::atomic<std::uint64_t>> bound_pages_;
  std::unique_ptr<std::atomic<layout::Cell*>[]> slots_;  // by index, nullptr: not mapped yet
  std::atomic<Gauge*> gauges_{nullptr};
};

// The writers of this process by index, nullptr if there is none; for the update path.
Writer* writer_at(std::uint32_t index) noexcept;

}  // namespace metrics::core
