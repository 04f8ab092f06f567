#include "aggregator/exposition/native.h"

#include <cmath>
#include <limits>

#include "libmetrics/format/native.h"

namespace metrics::exposition {

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
  buckets_.zero_threshold = std::ldexp(1, native.low);
}

// Adds to the last bucket if it has that index.
void NativeEncoder::add(std::vector<Bucket>& to, int index, std::uint64_t count) {
  if (!to.empty() && to.back().index == index) {
    to.back().count += count;
  } else {
    to.push_back({index, count});
  }
}

void NativeEncoder::halve(std::vector<Bucket>& buckets) noexcept {
  std::size_t kept = 0;
  for (const Bucket& bucket : buckets) {
    const int index = format::coarser(bucket.index);
    if (kept > 0 && buckets[kept - 1].index == index) {
      buckets[kept - 1].count += bucket.count;
    } else {
      buckets[kept++] = {index, bucket.count};
    }
  }
  buckets.resize(kept);
}

void NativeEncoder::put(const std::vector<Bucket>& buckets, NativeSide& to) {
  // A span costs more than two empty buckets.
  constexpr int kMostEmpty = 2;
  to.spans.clear();
  to.deltas.clear();
  int next = 0;
  std::int64_t before = 0;
  const auto add = [&](std::uint64_t count) {
    const auto now = static_cast<std::int64_t>(count);
    to.deltas.push_back(now - before);
    before = now;
    ++to.spans.back().length;
  };
  for (const Bucket& bucket : buckets) {
    const int gap = bucket.index - next;
    if (to.spans.empty() || gap > kMostEmpty) {
      to.spans.push_back({gap, 0});
    } else {
      for (int empty = 0; empty < gap; ++empty) add(0);
    }
    add(bucket.count);
    next = bucket.index + 1;
  }
}

const NativeBuckets* NativeEncoder::encode(std::span<const std::uint64_t> counts,
                                           std::uint32_t max_buckets) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::uint64_t all = 0;
  for (const std::uint64_t count : counts) {
    if (count > kMost - all) return nullptr;
    all += count;
  }
  negative_.clear();
  positive_.clear();
  for (std::size_t i = zero_; i-- > 0;) {
    if (counts[i] != 0) add(negative_, index_[i], counts[i]);
  }
  buckets_.zero_count = 0;
  for (std::size_t i = zero_; i < after_zero_; ++i) buckets_.zero_count += counts[i];
  for (std::size_t i = after_zero_; i < counts.size(); ++i) {
    if (counts[i] != 0) add(positive_, index_[i], counts[i]);
  }
  buckets_.schema = schema_;
  while (negative_.size() + positive_.size() > max_buckets && buckets_.schema > 0) {
    --buckets_.schema;
    halve(negative_);
    halve(positive_);
  }
  put(negative_, buckets_.negative);
  put(positive_, buckets_.positive);
  return &buckets_;
}

}  // namespace metrics::exposition
