// readings.h -- the samples of a merged segment at one moment, and how they have changed since an
// earlier one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "aggregator/exposition/samples.h"
#include "libmetrics/format/geometry.h"
#include "libmetrics/reader/families.h"
#include "libmetrics/reader/merge.h"
#include "tools/inspect/selector.h"
#include "tools/inspect/units.h"

namespace metrics::inspect {

// A sample's number: exact, unlike its text read as a double.
struct Number {
  bool is_whole = false;
  std::uint64_t whole = 0;
  double fraction = 0;  // the number itself, unless it is whole
  double as_double() const noexcept { return is_whole ? static_cast<double>(whole) : fraction; }
};

// A sample, and what it takes to compare it.
struct Reading {
  exposition::Sample sample;
  std::string spelled;  // its name and labels
  Number number;
  bool counts;  // it never goes down as long as its series is there
  // Which life of its series it is of: a series that was removed and registered anew has another.
  std::uint64_t record, created_ns;
  Unit rate_unit;                              // of what it gains in a second
  bool is_bucket;                              // of a histogram
  std::optional<format::SlotIndex> slot = {};  // whose share it is; empty: the sum of all
};

// Returns the samples that the selector matches, in the order of an exposition; all if it is
// nullptr.
std::vector<Reading> readings_of(const reader::Families& families, const Selector* selector);
// Reads the segment. Returns its samples; with `per_slot` those of each slot by itself. An empty
// optional, with merge.why(), if it can't be read.
std::optional<std::vector<Reading>> read_now(reader::SegmentMerge& merge, const Selector* selector,
                                             bool per_slot);
// Returns "slot 3 " for a slot's share, else "".
std::string slot_prefix(const Reading& reading);

// What a sample has gained. Of one that counts, as Prometheus's increase() has it: if it began anew
// meanwhile, all that it has. Of another one the difference, which may be negative.
struct Change {
  const Reading* before;  // nullptr: it was not there
  const Reading* after;   // nullptr: it is there no more
  double amount;          // 0 if it is there no more
  bool restarted;         // it counts, and began anew meanwhile
};

// Finds the earlier reading of a sample.
class Earlier {
 public:
  // `readings` must stay as they are, as long as this is used. `same_segment`: the later readings
  // are of the same file; else everything that counts has begun anew.
  Earlier(const std::vector<Reading>& readings, bool same_segment);
  Change since(const Reading& after) const;

 private:
  bool same_segment_;
  std::unordered_map<std::string, const Reading*> by_name_;
};

// Returns the number as a text format spells it, a whole one without an exponent.
std::string spelled(double number);
// Returns a change as it is printed: a whole one without a fraction, with its sign.
std::string spelled_change(const Change& change);

}  // namespace metrics::inspect
