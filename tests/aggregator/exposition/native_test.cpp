// The native buckets of an exposition: which, in which schema, and how they are written as spans.
#include "aggregator/exposition/native.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include "libmetrics/format/native.h"

namespace metrics::exposition {
namespace {

reader::Family family_of(const format::Native& native, std::vector<double> bounds) {
  reader::Family family{"x", "", "", format::Type::kHistogram, std::move(bounds), {}};
  family.native = native;
  family.positions = format::positions_of(family.bounds, native);
  return family;
}

// The counts of a series, and the cell that each value is counted in.
class Counts {
 public:
  explicit Counts(const reader::Family& family)
      : grid_(format::grid_of(family.bounds, family.native)), counts(grid_.size() + 1) {}
  void add(double value, std::uint64_t n = 1) {
    counts[static_cast<std::size_t>(std::ranges::lower_bound(grid_, value) - grid_.begin())] += n;
  }

 private:
  std::vector<double> grid_;

 public:
  std::vector<std::uint64_t> counts;
};

using Buckets = std::map<int, std::uint64_t>;  // by Prometheus's index, without empty ones

// Reads spans as a server does.
Buckets read(const NativeSide& side) {
  Buckets all;
  int index = 0;
  std::int64_t count = 0;
  std::size_t delta = 0;
  for (const NativeSpan& span : side.spans) {
    index += span.offset;
    for (std::uint32_t i = 0; i < span.length; ++i, ++index) {
      count += side.deltas.at(delta++);
      EXPECT_GE(count, 0);
      if (count != 0) all[index] += static_cast<std::uint64_t>(count);
    }
  }
  EXPECT_EQ(delta, side.deltas.size());
  return all;
}

Buckets halved(const Buckets& finer) {
  Buckets coarser;
  for (const auto& [index, count] : finer) {
    // The bucket of the next schema whose bounds are around this one's.
    coarser[static_cast<int>(std::ceil(index / 2.0))] += count;
  }
  return coarser;
}

TEST(NativeBuckets, AreWrittenAsSpansThatFollowEachOther) {
  const reader::Family family = family_of({0, -4, 12}, {});
  Counts c(family);
  c.add(0.1, 2);   // index -3
  c.add(1, 5);     // index 0, after two empty ones
  c.add(1000, 7);  // index 10, after nine
  c.add(1500);     // index 11
  c.add(0, 3);
  c.add(-0.01, 4);
  NativeEncoder encoder(family);
  const NativeBuckets* b = encoder.encode(c.counts, 160);
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->schema, 0);
  EXPECT_EQ(b->zero_threshold, 0.0625);
  EXPECT_EQ(b->zero_count, 7u);
  EXPECT_EQ(b->positive.spans, (std::vector<NativeSpan>{{-3, 4}, {9, 2}}));
  EXPECT_EQ(b->positive.deltas, (std::vector<std::int64_t>{2, -2, 0, 5, 2, -6}));
  EXPECT_TRUE(b->negative.spans.empty());
}

TEST(NativeBuckets, OfWhatIsOutsideOfTheWindowAreOverflowAndZeroBuckets) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const bool negative : {false, true}) {
    const reader::Family family = family_of({3, -4, 4, negative}, {1e-9, 1, 100});
    Counts c(family);
    for (const double v : {0.0625, 1e-12, -1e-12, -0.0625}) c.add(v);
    for (const double v : {std::nextafter(16, 17), 1000.0, infinity}) c.add(v);
    for (const double v : {-17.0, -infinity}) c.add(v);
    NativeEncoder encoder(family);
    const NativeBuckets* b = encoder.encode(c.counts, 160);
    EXPECT_EQ(b->zero_count, 4u);
    EXPECT_EQ(b->zero_threshold, 0.0625);
    EXPECT_EQ(read(b->positive), (Buckets{{1024 * 8 + 1, 3}}));
    EXPECT_EQ(read(b->negative), (Buckets{{1024 * 8 + 1, 2}}));
    c.add(std::nextafter(0.0625, 1));
    c.add(-std::nextafter(0.0625, 1));
    b = encoder.encode(c.counts, 160);
    EXPECT_EQ(read(b->positive), (Buckets{{-31, 1}, {1024 * 8 + 1, 3}}));
    EXPECT_EQ(read(b->negative),
              negative ? (Buckets{{-31, 1}, {1024 * 8 + 1, 2}}) : (Buckets{{1024 * 8 + 1, 3}}));
  }
}

// As Prometheus does it, for values that lie between bounds.
int index_of(double magnitude, int schema) {
  return static_cast<int>(std::ceil(std::log2(magnitude) * (1 << schema)));
}

TEST(NativeBuckets, AreJoinedUntilTheyAreFewEnoughAndNeverSplitAgain) {
  std::mt19937_64 random(11);
  const reader::Family family = family_of({5, -20, 12, true}, {0.005, 0.25, 3, 1000});
  for (int round = 0; round < 20; ++round) {
    Counts c(family);
    std::vector<double> values;
    NativeEncoder encoder(family);
    int schema = 5;
    for (int step = 0; step < 60; ++step) {
      for (int i = 0; i < 10; ++i) {
        const double exponent = static_cast<double>(random() % 30'000) / 1000 - 19;
        const double value = (random() % 3 == 0 ? -1 : 1) * std::exp2(exponent);
        values.push_back(value);
        c.add(value);
      }
      const NativeBuckets* b = encoder.encode(c.counts, 100);
      ASSERT_LE(b->schema, schema);
      schema = b->schema;
      Buckets positive, negative;
      for (const double v : values) ++(v > 0 ? positive : negative)[index_of(std::abs(v), schema)];
      ASSERT_EQ(read(b->positive), positive) << schema;
      ASSERT_EQ(read(b->negative), negative) << schema;
      ASSERT_LE(positive.size() + negative.size(), 100u);
    }
    EXPECT_LT(schema, 3);
  }
}

TEST(NativeBuckets, OfASumAreTheSumOfTheBuckets) {
  std::mt19937_64 random(12);
  const reader::Family family = family_of({6, -16, 16}, {0.3, 1});
  NativeEncoder encoder(family);
  for (int round = 0; round < 50; ++round) {
    Counts both(family);
    Buckets each[2];
    int schemas[2];
    for (int k = 0; k < 2; ++k) {
      Counts c(family);
      const std::uint64_t n = 1 + random() % 400;
      for (std::uint64_t i = 0; i < n; ++i) {
        const double v = std::exp2(static_cast<double>(random() % 31'000) / 1000 - 15);
        c.add(v);
        both.add(v);
      }
      const NativeBuckets* b = encoder.encode(c.counts, 160);
      each[k] = read(b->positive);
      schemas[k] = b->schema;
    }
    const NativeBuckets* b = encoder.encode(both.counts, 160);
    Buckets sum;
    for (int k = 0; k < 2; ++k) {
      ASSERT_LE(b->schema, schemas[k]);
      for (int s = schemas[k]; s > b->schema; --s) each[k] = halved(each[k]);
      for (const auto& [index, count] : each[k]) sum[index] += count;
    }
    ASSERT_EQ(read(b->positive), sum);
  }
}

TEST(NativeBuckets, OfForgedCountsAreLeftOut) {
  const reader::Family family = family_of({}, {1});
  Counts c(family);
  NativeEncoder encoder(family);
  c.add(1, std::numeric_limits<std::int64_t>::max());
  EXPECT_NE(encoder.encode(c.counts, 160), nullptr);
  c.add(2);
  EXPECT_EQ(encoder.encode(c.counts, 160), nullptr);
  Counts zeros(family);
  zeros.add(0, std::numeric_limits<std::int64_t>::max());
  EXPECT_NE(encoder.encode(zeros.counts, 160), nullptr);
  zeros.add(0);
  EXPECT_EQ(encoder.encode(zeros.counts, 160), nullptr);
}

}  // namespace
}  // namespace metrics::exposition
