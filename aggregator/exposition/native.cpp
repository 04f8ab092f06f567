#include "aggregator/exposition/native.h"

#include <cmath>
#include <limits>
#include <utility>

#include "libmetrics/format/layout.h"
#include "libmetrics/format/native.h"

namespace metrics::exposition {
namespace {

bool is_int64_sum(std::span<const std::uint64_t> counts) noexcept {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) {
    if (count > kMost - sum) return false;
    sum += count;
  }
  return true;
}

}  // namespace

NativeEncoder::NativeEncoder(const reader::Family& family) : schema_(family.native->schema) {
  using Side = format::NativeBucket::Side;
  const format::Native& native = *family.native;
  const std::size_t counts = reader::count_of_counts(family);
  index_.reserve(counts);
  zero_ = after_zero_ = 0;
  std::uint32_t bucket = 0;  // of the rule
  auto cut = family.bounds.begin();
  auto position = family.positions.begin();
  for (std::size_t i = 0; i < counts; ++i) {
    const format::NativeBucket at = format::native_bucket(native, bucket);
    index_.push_back(at.index);
    if (at.side == Side::kNegative) ++zero_;
    if (at.side != Side::kPositive) ++after_zero_;
    // A bound that is only explicit cuts a native bucket in two.
    bool is_by_rule = true;
    if (cut != family.bounds.end() && *position == i) {
      is_by_rule = format::is_rule_bound(native, *cut);
      ++cut;
      ++position;
    }
    if (is_by_rule) ++bucket;
  }
  room_.resize(counts);
  buckets_.zero_threshold = std::ldexp(1, native.low);
}

// Joins neighbours. Returns the buckets that remain, in the same memory.
std::span<NativeEncoder::Bucket> NativeEncoder::halve(std::span<Bucket> buckets) noexcept {
  std::size_t kept = 0;
  for (const Bucket& bucket : buckets) {
    const int index = format::coarser(bucket.index);
    if (kept > 0 && buckets[kept - 1].index == index) {
      buckets[kept - 1].count += bucket.count;
    } else {
      buckets[kept++] = {index, bucket.count};
    }
  }
  return buckets.first(kept);
}

void NativeEncoder::put(std::span<const Bucket> buckets, NativeSide& to) {
  // A span costs more than two empty buckets.
  constexpr int kMostEmpty = 2;
  to.spans.clear();
  to.deltas.resize(buckets.size() * (1 + kMostEmpty));
  std::int64_t* delta = to.deltas.data();
  int next = 0;
  std::int64_t before = 0;
  for (const Bucket& bucket : buckets) {
    const int gap = bucket.index - next;
    if (to.spans.empty() || gap > kMostEmpty) {
      to.spans.push_back({gap, 0});
    } else {
      for (int empty = 0; empty < gap; ++empty) *delta++ = -std::exchange(before, 0);
      to.spans.back().length += static_cast<std::uint32_t>(gap);
    }
    const auto now = static_cast<std::int64_t>(bucket.count);
    *delta++ = now - std::exchange(before, now);
    ++to.spans.back().length;
    next = bucket.index + 1;
  }
  to.deltas.resize(static_cast<std::size_t>(delta - to.deltas.data()));
}

const NativeBuckets* NativeEncoder::encode(std::span<const std::uint64_t> counts,
                                           std::uint32_t max_buckets) {
  std::uint64_t bits = 0;  // of all counts
  Bucket* end = room_.data();
  const auto side = [&](auto each_index) {
    Bucket* const begin = end;
    each_index([&](std::size_t i) {
      const std::uint64_t count = counts[i];
      if (count == 0) return;
      bits |= count;
      // Counts between explicit bounds may be of one native bucket.
      if (end != begin && end[-1].index == index_[i]) {
        end[-1].count += count;
      } else {
        *end++ = {index_[i], count};
      }
    });
    return std::span<Bucket>(begin, end);
  };
  auto negative = side([&](auto add) {
    for (std::size_t i = zero_; i-- > 0;) add(i);
  });
  auto positive = side([&](auto add) {
    for (std::size_t i = after_zero_; i < counts.size(); ++i) add(i);
  });
  buckets_.zero_count = 0;
  for (std::size_t i = zero_; i < after_zero_; ++i) {
    bits |= counts[i];
    buckets_.zero_count += counts[i];
  }
  // Counts whose sum must be looked at are rare.
  constexpr std::uint64_t kMostCounts = std::uint64_t{2} * format::kMaxNativeBuckets;
  constexpr std::uint64_t kLittle = std::numeric_limits<std::int64_t>::max() / kMostCounts;
  static_assert(kMostCounts > format::kMaxNativeBuckets + format::kMaxBounds + 8);
  if (bits > kLittle && !is_int64_sum(counts)) return nullptr;
  buckets_.schema = schema_;
  while (negative.size() + positive.size() > max_buckets && buckets_.schema > 0) {
    --buckets_.schema;
    negative = halve(negative);
    positive = halve(positive);
  }
  put(negative, buckets_.negative);
  put(positive, buckets_.positive);
  return &buckets_;
}

}  // namespace metrics::exposition
