// registry.h -- a segment as this process defines metrics in it: its families and their series.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmetrics/format/error.h"
#include "libmetrics/setup/series.h"
#include "libmetrics/update/own_slots.h"
#include "libmetrics/update/segment.h"

namespace metrics::setup {

class Registry {
 public:
  // The registry of the segment `path` (as of metrics_open), joined at the first call in this
  // process. One that could not be joined has failure() and counts nothing. Throws
  // Error(METRICS_INVALID) for a path or geometry that is against the rules, METRICS_FULL for one
  // segment too many.
  static Registry& open(const std::string& path, const metrics_geometry& wanted);

  // One that could not even be named: counts nothing, and says why.
  static Registry& nowhere(const format::Error& why);

  const std::string& file() const noexcept { return file_; }
  const update::Segment* segment() const noexcept { return segment_.get(); }  // nullptr: not joined
  const format::Error* failure() const noexcept { return failure_ ? &*failure_ : nullptr; }
  std::uint32_t index() const noexcept { return index_; }
  // Returns true exactly once, so that one caller reports the failure.
  bool report_once() noexcept { return !reported_.exchange(true, std::memory_order_relaxed); }

  // The family of that definition, checked. Throws Error as metrics_family_of;
  // METRICS_CONFLICT and
  // METRICS_FULL leave a refused family in *refused.
  Family& family(format::Definition definition, Family** refused);

  // The series with these label values; registered and bound to pages if new. Throws Error as
  // metrics_*_labels.
  Series& series(Family& family, std::span<const std::string_view> strings);
  void remove(Family& family, std::span<const std::string_view> strings);
  void clear(Family& family);

 private:
  Registry(std::string file, std::uint32_t index);
  void join(const metrics_geometry& wanted);
  std::unique_ptr<Series> make_series(Family& family, std::vector<std::string> values,
                                      std::uint64_t hash);

  const std::string file_;
  const std::uint32_t index_;
  std::unique_ptr<update::Segment> segment_;
  std::unique_ptr<update::OwnSlots> own_slots_;
  std::optional<format::Error> failure_;
  std::atomic<bool> reported_{false};
  std::map<std::pair<format::Type, std::string>, std::vector<std::unique_ptr<Family>>> families_;
};

}  // namespace metrics::setup
