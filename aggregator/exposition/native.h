// native.h -- the native buckets of a histogram's series, as an exposition shows them: the
// populated ones, in spans.
//
// A series with more populated buckets than may be shown is shown in a coarser schema, which joins
// two neighbours, and again, until they are few enough. That depends on nothing but the counts, and
// these only grow: so the schema of a series never rises, all aggregators choose the same, and a
// server sees no reset where it drops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "libmetrics/reader/families.h"

namespace metrics::exposition {

// How native histograms are shown.
struct NativeRules {
  // The least that is possible: every window has fewer octaves, and fewer would cost more than they
  // are worth. Buckets of both signs in schema 0 may still be more.
  static constexpr std::uint32_t kLeastBuckets = 65;
  std::uint32_t max_buckets = 160;
  bool shown = true;  // false: the explicit bounds alone
  friend bool operator==(const NativeRules&, const NativeRules&) = default;
};

// One after the other, on one side of zero: `length` buckets, the first of which is `offset` after
// the end of the last span; that of the first span is its index.
struct NativeSpan {
  std::int32_t offset;
  std::uint32_t length;
  friend bool operator==(const NativeSpan&, const NativeSpan&) = default;
};
struct NativeSide {
  std::vector<NativeSpan> spans;
  std::vector<std::int64_t> deltas;  // each bucket's count, less that of the one before
};
struct NativeBuckets {
  int schema = 0;
  double zero_threshold = 0;
  std::uint64_t zero_count = 0;
  NativeSide negative, positive;
};

// For one thread at a time. What it returns is reused by the next call.
class NativeEncoder {
 public:
  // Learns where the counts of the family's series belong; the family must have native buckets.
  explicit NativeEncoder(const reader::Family& family);

  // Returns the buckets of a series with these counts; nullptr if the sum of the counts is no
  // int64, which only a forged segment's is. Allocates nothing that it need not once more.
  const NativeBuckets* encode(std::span<const std::uint64_t> counts, std::uint32_t max_buckets);

 private:
  struct Bucket {
    int index;
    std::uint64_t count;
  };
  static std::span<Bucket> halve(std::span<Bucket> buckets) noexcept;
  static void put(std::span<const Bucket> buckets, NativeSide& to);

  int schema_;
  std::vector<int> index_;         // by count; 0 in the zero bucket
  std::size_t zero_, after_zero_;  // the counts of the zero bucket
  std::vector<Bucket> room_;       // for all buckets of a series
  NativeBuckets buckets_;
};

}  // namespace metrics::exposition
