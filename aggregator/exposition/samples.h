// samples.h -- which samples a series has, and their numbers: in one place, for all formats.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/exposition/number.h"
#include "libmetrics/format/clock.h"
#include "libmetrics/format/types.h"
#include "libmetrics/reader/families.h"

namespace metrics::exposition {

// Calls visit(ending, bound) for each sample of a series of the family, in the order of an
// exposition. `ending` is the end of the sample's name; `bound` is the value of its label `le`,
// empty if it has no such label.
template <class Visit>
void each_sample(const reader::Family& family, Visit visit) {
  for (const std::string_view ending : format::sample_endings(family.type)) {
    if (ending != format::kBucketEnding) {
      visit(ending, std::string_view());
      continue;
    }
    for (const double bound : family.bounds) {
      std::string text;
      append_bound(text, bound);
      visit(ending, std::string_view(text));
    }
    visit(ending, std::string_view("+Inf"));
  }
}

// How the numbers of a family's series are found in its values.
struct Numbers {
  format::Values values;
  std::size_t counts;  // of kCounts
  // Of kCounts: which samples there are. A histogram has all of them, unless a format writes them
  // one after the other.
  bool each_bucket, count, sum;
  // If there are native buckets, too: the last count in each of the explicit ones. Else empty:
  // each count is an explicit bucket.
  std::span<const std::uint32_t> positions;
};
// Valid as long as the family.
inline Numbers numbers_of(const reader::Family& family) noexcept {
  return {format::values_of(family.type),
          reader::count_of_counts(family),
          format::has_buckets(family.type),
          true,
          true,
          family.positions};
}
// Returns how the numbers of the samples with this ending alone are found.
inline Numbers numbers_of(const reader::Family& family, std::string_view ending) noexcept {
  Numbers numbers = numbers_of(family);
  numbers.each_bucket = ending == format::kBucketEnding;
  numbers.count = ending == format::kCountEnding;
  numbers.sum = ending == format::kSumEnding;
  return numbers;
}

// Returns when the series began to count, in nanoseconds since the epoch; 0 if it does not count,
// or nobody knows. A clock that was set back must not claim the future.
inline std::uint64_t created_ns_of(const reader::Family& family, const reader::Series& series) {
  return format::row_of(family.type).has_created ? std::min(series.created_ns, format::now_ns())
                                                 : 0;
}

// Calls put(number), with a std::uint64_t or a double, for each sample of a series with these
// values, in the order of each_sample(). The sample of a series without values is always 1, and
// put() is not called for it. It is inlined, since encoding does little else.
template <class Put>
[[gnu::always_inline]] inline void each_number(const Numbers& numbers, const std::uint64_t* value,
                                               Put&& put) {
  switch (numbers.values) {
    case format::Values::kWholeAndFraction: {
      const auto fraction = std::bit_cast<double>(value[1]);
      if (fraction == 0) {
        put(value[0]);
      } else {
        put(static_cast<double>(value[0]) + fraction);
      }
      return;
    }
    case format::Values::kGauge:
    case format::Values::kState:
      put(std::bit_cast<double>(value[0]));
      return;
    case format::Values::kCounts: {
      std::uint64_t below = 0;
      const auto add = [&](std::size_t bucket) {
        below += value[bucket];
        // Forged counts can be any numbers: when their sum overflows, buckets still never decrease.
        if (below < value[bucket]) below = ~std::uint64_t{0};
      };
      if (numbers.each_bucket && !numbers.positions.empty()) {
        std::size_t next = 0;
        for (const std::uint32_t last : numbers.positions) {
          while (next <= last) add(next++);
          put(below);
        }
      } else if (numbers.each_bucket) {
        for (std::size_t bucket = 0; bucket < numbers.counts; ++bucket) {
          add(bucket);
          put(below);
        }
      } else {
        for (std::size_t bucket = 0; bucket < numbers.counts; ++bucket) add(bucket);
      }
      if (numbers.count) put(below);
      if (numbers.sum) put(std::bit_cast<double>(value[numbers.counts]));
      return;
    }
    case format::Values::kInfo:
      return;
  }
}

// One sample, complete.
struct Sample {
  std::string name;
  std::vector<reader::Label> labels;
  std::string value;  // as a text format spells it
};

// Returns the samples of one series, with the names and in the order of an exposition.
std::vector<Sample> samples_of(const reader::Families& families, const reader::Family& family,
                               const reader::Series& series);

// Returns `name{label="value",...}`, as the text formats spell it, with UTF-8 names as they are.
std::string spelled(const Sample& sample);
// Returns the same, and an exemplar behind it, as in OpenMetrics.
std::string spelled(const Sample& sample, const reader::Exemplar& exemplar);

}  // namespace metrics::exposition
