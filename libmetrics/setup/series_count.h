// series_count.h -- counts a family's series, so that it gets no more than its limit.
//
// FamilyRecord::series_used is raised before a record is obtained for a series, and lowered after
// the series was removed, by who has removed it. So it is never below the number of live series. A
// process that is killed in between costs the family one series of its limit, and never adds one.
#pragma once

#include <utility>

#include "libmetrics/format/layout.h"

namespace metrics::setup {

// One series that is counted in its family, or none. At its end it is no longer counted, unless it
// is kept.
class Counted {
 public:
  Counted() = default;
  // Counts one more; none if the family has as many as it may have.
  explicit Counted(format::FamilyRecord& family) noexcept;
  Counted(Counted&& other) noexcept { *this = std::move(other); }
  Counted& operator=(Counted&& other) noexcept {
    std::swap(family_, other.family_);
    return *this;
  }
  ~Counted();
  explicit operator bool() const noexcept { return family_ != nullptr; }
  // The series is registered: who removes it calls uncount().
  void keep() noexcept { family_ = nullptr; }

 private:
  format::FamilyRecord* family_ = nullptr;
};

// Counts one series of the family less, which the caller has removed.
void uncount(format::FamilyRecord& family) noexcept;

// Returns true if the family has as many series as it may have.
inline bool is_at_limit(const format::FamilyRecord& family) noexcept {
  return family.max_series != 0 &&
         family.series_used.load(std::memory_order_relaxed) >= family.max_series;
}

}  // namespace metrics::setup
