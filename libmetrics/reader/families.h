// families.h -- what a scrape has found: merged families, plain data that every encoder reads.
//
// Nothing here is atomic, shared or per-process. A series' values are the sums of its cells over
// all slots, in the segment's own order and encoding, so merging is adding arrays and nothing is
// converted before an encoder prints it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libmetrics/format/types.h"

namespace metrics::reader {

using format::Type;

struct Label {
  std::string name;
  std::string value;  // UTF-8, not escaped
  friend bool operator==(const Label&, const Label&) = default;
};

struct Series {
  std::vector<Label> labels;  // in the order in which they are written
  std::size_t first_value;    // index into Families::values
  friend bool operator==(const Series&, const Series&) = default;
};

struct Family {
  std::string
      name;  // as OpenMetrics has it: a counter's without `_total`, an info's without `_info`
  std::string help;  // not escaped; may be empty
  std::string unit;  // may be empty
  format::Type type;
  std::vector<double> bounds;  // of a histogram: ascending, finite, +Inf not among them
  std::vector<Series> series;  // no two with the same labels
  // More series of the family before it in the list, which differs in bounds only (another
  // segment's): HELP and TYPE are not said again.
  bool continues = false;
  friend bool operator==(const Family&, const Family&) = default;
};

// How many values a series of the family has in Families::values.
inline std::size_t value_count(const Family& family) noexcept {
  // A gauge's cells are a process's; what they make together is one value.
  if (format::values_of(family.type) == format::Values::kGauge) return 1;
  return format::cell_count(family.type, static_cast<std::uint32_t>(family.bounds.size()));
}

// A counter counts whole numbers exactly and fractions beside them; its value is the sum of both.
struct CounterValue {
  std::uint64_t whole;
  double fraction;
};

// A shape that no Families of this process has had.
std::uint64_t new_shape() noexcept;

struct Families {
  // Changes whenever anything but `values` does: what is printed around the values may be kept as
  // long as it stays. Never 0, so that 0 can mean "nothing kept yet". Two objects never share one.
  std::uint64_t shape = 0;
  std::vector<Family> families;  // no two with a sample name in common, but for continuations
  // counter: whole (u64), fraction (double). gauge: double. info: nothing, its value is 1.
  // histogram: bounds.size() + 1 bucket counts (u64, not cumulative, +Inf last), sum (double).
  // summary: as a histogram without bounds, that is count and sum.
  std::vector<std::uint64_t> values;

  CounterValue counter(const Series& s) const {
    return {values[s.first_value], std::bit_cast<double>(values[s.first_value + 1])};
  }
  double gauge(const Series& s) const { return std::bit_cast<double>(values[s.first_value]); }
  std::span<const std::uint64_t> buckets(const Family& f, const Series& s) const {
    return {values.data() + s.first_value, f.bounds.size() + 1};
  }
  double sum(const Family& f, const Series& s) const {
    return std::bit_cast<double>(values[s.first_value + f.bounds.size() + 1]);
  }
};

}  // namespace metrics::reader
