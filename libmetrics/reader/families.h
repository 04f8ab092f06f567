// families.h -- the result of a scrape: merged families, plain data that every encoder reads.
//
// Nothing here is atomic, shared or per-process. The values of a series, unless it is a gauge, are
// the sums of its cells over all slots, in the segment's own order and encoding: merging adds
// arrays, and nothing is converted before an encoder prints it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libmetrics/format/native.h"
#include "libmetrics/format/types.h"
#include "libmetrics/reader/labels.h"
#include "libmetrics/reader/series_list.h"

namespace metrics::reader {

using format::Type;

// An observation, or an amount that was added, with labels that lead to where that was.
struct Exemplar {
  std::vector<Label> labels;  // legal names, valid UTF-8, at most 128 bytes together
  double value;
  std::uint64_t stamp_ns;  // CLOCK_REALTIME, not later than the scrape
  friend bool operator==(const Exemplar&, const Exemplar&) = default;
};

struct Family {
  std::string
      name;  // as OpenMetrics writes it: a counter's without `_total`, an info's without `_info`
  std::string help;  // not escaped; may be empty
  std::string unit;  // may be empty
  format::Type type;
  std::vector<double> bounds;  // of a histogram, the explicit ones: ascending, finite, no +Inf
  // No two with the same labels. A state set has one for each state, which stands in a label of the
  // family's name.
  SeriesList series;
  // True if these are more series of the family before it in the list, which has other bounds (in
  // another segment): HELP and TYPE are not printed again.
  bool continues = false;
  // True if an older edition of this histogram had bounds below zero, so that its sum may go down.
  bool reached_below_zero = false;
  // Of a histogram with native buckets. Its counts are then those of its grid (format/native.h),
  // and `positions` are those of its explicit bounds in it; both are empty otherwise.
  std::optional<format::Native> native = {};
  std::vector<std::uint32_t> positions = {};
  // True if another family of its segment, which was opened later, has one of its samples' names
  // where names are escaped as underscores (format/escaping.h): it is then not shown.
  bool yields = false;
  friend bool operator==(const Family&, const Family&) = default;
};

// Returns how many counts a series of the family has, if it has counts: with the one above all
// bounds.
inline std::size_t count_of_counts(const Family& family) noexcept {
  return 1 + (family.native ? family.positions.back() : family.bounds.size());
}

// Returns how many values a series of the family has in Families::values.
inline std::size_t value_count(const Family& family) noexcept {
  if (format::values_of(family.type) == format::Values::kInfo) return 0;  // it is there, or not
  // A gauge's cells belong to one process each; merged, they are one value.
  if (format::is_of_processes(family.type)) return 1;
  if (format::values_of(family.type) == format::Values::kCounts) {
    return count_of_counts(family) + 1;
  }
  return format::cell_count(family.type, 0);
}

// Returns true if the sum of the histogram may go down, as far as its bounds tell.
inline bool reaches_below_zero(const Family& family) noexcept {
  return family.reached_below_zero || (!family.bounds.empty() && family.bounds.front() < 0) ||
         (family.native && family.native->negative);
}

// A counter counts whole numbers exactly and fractions beside them; its value is the sum of both.
struct CounterValue {
  std::uint64_t whole;
  double fraction;
};

// Returns a shape that no Families of this process has had.
std::uint64_t new_shape() noexcept;

// Returns a number that no chunk of series of this process has had.
std::uint64_t new_number() noexcept;

struct Families {
  // Changes whenever anything except `values` and the content of `exemplars` does: an encoder may
  // keep what it prints around the values as long as the shape stays. Never 0 once families were
  // read, so that an encoder can use 0 for "nothing kept yet". No two objects have the same shape.
  std::uint64_t shape = 0;
  std::vector<Family> families;  // no two share a sample name, except for continuations
  // counter: whole (u64), fraction (double). gauge, stateset: double. info: nothing, it is 1.
  // histogram: a count (u64, not cumulative) for each bound, or with native buckets for each one of
  // its grid, and for +Inf; sum (double).
  // summary: count (u64), sum (double), like a histogram without bounds.
  std::vector<std::uint64_t> values;
  // The exemplars of each series that has places for them, in ascending order of values: of a
  // counter the newest one, of a histogram the newest of each bucket. A reader that was not asked
  // for exemplars leaves each of these empty.
  std::vector<std::vector<Exemplar>> exemplars;

  std::span<const Exemplar> exemplars_of(const Series& s) const {
    if (!s.may_have_exemplars()) return {};
    return exemplars[s.exemplars];
  }
  CounterValue counter(const Series& s) const {
    return {values[s.first_value], std::bit_cast<double>(values[s.first_value + 1])};
  }
  double gauge(const Series& s) const { return std::bit_cast<double>(values[s.first_value]); }
  std::span<const std::uint64_t> counts(const Family& f, const Series& s) const {
    return {values.data() + s.first_value, count_of_counts(f)};
  }
  // Returns the counts between explicit bounds, not cumulative, +Inf last.
  std::vector<std::uint64_t> buckets(const Family& f, const Series& s) const;
  double sum(const Family& f, const Series& s) const {
    return std::bit_cast<double>(values[s.first_value + count_of_counts(f)]);
  }
};

// Calls visit(parts) for each family, with a span of it and of those that continue it.
template <class Visit>
void each_family(const Families& families, Visit visit) {
  for (auto first = families.families.begin(); first != families.families.end();) {
    auto last = first + 1;
    while (last != families.families.end() && last->continues) ++last;
    visit(std::span<const Family>(first, last));
    first = last;
  }
}

}  // namespace metrics::reader
