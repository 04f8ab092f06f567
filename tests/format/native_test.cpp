// The bounds of native histograms by rule, and how the grid of a histogram is made of them.
#include "libmetrics/format/native.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "libmetrics/format/error.h"

namespace metrics::format {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Side = NativeBucket::Side;

const std::vector<Native>& windows() {
  static const std::vector<Native> all = {
      {3, -20, 12, false}, {0, -32, 32, true},    {8, -8, 8, false},  {5, 0, 1, true},
      {8, -1022, -1014},   {6, 959, 1023, false}, {4, -1, 1, true},   {7, -3, 2, true},
      {1, 1022, 1023},     {2, -1022, -958},      {3, -20, 12, true},
  };
  return all;
}

std::vector<double> all_of(const Native& n) {
  std::vector<double> bounds;
  for (std::uint32_t i = 0; i < rule_count(n); ++i) bounds.push_back(rule_bound(n, i));
  return bounds;
}

TEST(NativeBounds, AreTheRootsOfTwoCorrectlyRounded) {
  for (int schema = 0; schema <= kMaxSchema; ++schema) {
    const std::uint32_t count = 1u << schema;
    for (std::uint32_t k = 0; k < count; ++k) {
      const long double exact = std::exp2(static_cast<long double>(k) / count);
      EXPECT_EQ(root_of_two(schema, k), static_cast<double>(exact)) << schema << ' ' << k;
    }
  }
}

TEST(NativeBounds, AscendAndEndWithPowersOfTwo) {
  for (const Native& n : windows()) {
    EXPECT_EQ(fault_of(n), "");
    const std::vector<double> bounds = all_of(n);
    EXPECT_TRUE(std::ranges::adjacent_find(bounds, std::greater_equal<>()) == bounds.end());
    EXPECT_EQ(bounds.back(), std::ldexp(1, n.high));
    EXPECT_TRUE(std::ranges::find(bounds, std::ldexp(1, n.low)) != bounds.end());
    EXPECT_EQ(bounds.front(),
              std::nextafter(-std::ldexp(1, n.negative ? n.high : n.low), -kInfinity));
  }
}

TEST(NativeBounds, BelowAValueAreCountedWithoutTheGrid) {
  for (const Native& n : windows()) {
    const std::vector<double> bounds = all_of(n);
    std::vector<double> values = {0.0,
                                  -0.0,
                                  1,
                                  -1,
                                  1e-300,
                                  -1e-300,
                                  1e300,
                                  -1e300,
                                  std::numeric_limits<double>::max(),
                                  std::numeric_limits<double>::lowest(),
                                  std::numeric_limits<double>::denorm_min(),
                                  -std::numeric_limits<double>::denorm_min()};
    for (const double b : bounds) {
      for (const double v : {b, std::nextafter(b, -kInfinity), std::nextafter(b, kInfinity), -b}) {
        values.push_back(v);
      }
    }
    for (const double v : values) {
      if (!std::isfinite(v)) continue;
      const auto at = std::ranges::lower_bound(bounds, v);
      ASSERT_EQ(rule_bounds_below(n, v), at - bounds.begin()) << v;
      ASSERT_EQ(is_rule_bound(n, v), at != bounds.end() && *at == v) << v;
    }
  }
}

// The index of a bucket and its bounds belong together, on both sides of zero.
TEST(NativeBuckets, HaveTheIndicesThatPrometheusGivesTheirBounds) {
  for (const Native& n : windows()) {
    const std::vector<double> bounds = all_of(n);
    const auto bound_of = [&](int index) {  // the upper bound of a bucket above zero
      const int per_octave = 1 << n.schema;
      const int octave = index >= 0 ? index / per_octave : -((per_octave - 1 - index) / per_octave);
      return std::ldexp(
          root_of_two(n.schema, static_cast<std::uint32_t>(index - octave * per_octave)), octave);
    };
    EXPECT_EQ(native_bucket(n, 0), (NativeBucket{Side::kNegative, overflow_index(n.schema)}));
    EXPECT_EQ(native_bucket(n, rule_count(n)),
              (NativeBucket{Side::kPositive, overflow_index(n.schema)}));
    std::size_t zeros = 0;
    for (std::uint32_t i = 1; i < rule_count(n); ++i) {
      const NativeBucket bucket = native_bucket(n, i);
      if (bucket.side == Side::kPositive) {
        EXPECT_EQ(bound_of(bucket.index), bounds[i]);
        EXPECT_EQ(bound_of(bucket.index - 1), bounds[i - 1]);
      } else if (bucket.side == Side::kNegative) {
        EXPECT_EQ(-bound_of(bucket.index), std::nextafter(bounds[i - 1], kInfinity));
        EXPECT_EQ(-bound_of(bucket.index - 1), std::nextafter(bounds[i], kInfinity));
      } else {
        ++zeros;
        EXPECT_EQ(bounds[i], std::ldexp(1, n.low));
        EXPECT_EQ(std::nextafter(bounds[i - 1], kInfinity), -std::ldexp(1, n.low));
      }
    }
    EXPECT_EQ(zeros, 1u);
  }
}

TEST(NativeBuckets, OfACoarserSchemaHoldThoseOfTheFinerOne) {
  for (int index = -100; index <= 100; ++index) {
    const double upper = std::exp2(index / 8.0), lower = std::exp2((index - 1) / 8.0);
    const int whole = coarser(index);
    EXPECT_GE(std::exp2(whole / 4.0), upper * (1 - 1e-12));
    EXPECT_LE(std::exp2((whole - 1) / 4.0), lower * (1 + 1e-12));
  }
  EXPECT_EQ(coarser(overflow_index(3)), overflow_index(2));
}

TEST(Grid, IsTheUnionOfExplicitBoundsAndThoseByRule) {
  std::mt19937_64 random(7);
  for (const Native& n : windows()) {
    const std::vector<double> by_rule = all_of(n);
    for (int round = 0; round < 20; ++round) {
      std::set<double> chosen;
      for (int i = 0; i < 12; ++i) {
        const double any = by_rule[random() % by_rule.size()];
        const std::uint64_t kind = random() % 4;
        chosen.insert(kind == 0   ? any
                      : kind == 1 ? std::nextafter(any, -kInfinity)
                      : kind == 2 ? any * 0.97
                                  : static_cast<double>(random() % 1000) - 500);
      }
      const std::vector<double> bounds(chosen.begin(), chosen.end());
      std::set<double> both = chosen;
      both.insert(by_rule.begin(), by_rule.end());
      const std::vector<double> grid = grid_of(bounds, n);
      EXPECT_EQ(grid, std::vector<double>(both.begin(), both.end()));
      EXPECT_EQ(grid_size(bounds, n), grid.size());
      const std::vector<std::uint32_t> positions = positions_of(bounds, n);
      ASSERT_EQ(positions.size(), bounds.size() + 1);
      for (std::size_t i = 0; i < bounds.size(); ++i) EXPECT_EQ(grid[positions[i]], bounds[i]);
      EXPECT_EQ(positions.back(), grid.size());
    }
  }
  EXPECT_EQ(grid_of(std::vector<double>{1, 2}, std::nullopt), (std::vector<double>{1, 2}));
  EXPECT_EQ(grid_size(std::vector<double>{1, 2}, std::nullopt), 2u);
}

TEST(NativeDescriptors, SayWhatIsWrongAndWhatToWrite) {
  EXPECT_EQ(fault_of({9, -20, 12}), "has a native schema of 9; it goes from 0 to 8");
  EXPECT_EQ(fault_of({-1, -20, 12}), "has a native schema of -1; it goes from 0 to 8");
  EXPECT_EQ(fault_of({3, 4, 4}),
            "has a native window from 2^4 to 2^4; it must ascend, and lie between 2^-1022 and "
            "2^1023");
  EXPECT_EQ(fault_of({3, -32768, 32767}),
            "has a native window from 2^-32768 to 2^32767; it must ascend, and lie between "
            "2^-1022 and 2^1023");
  EXPECT_EQ(fault_of({3, -40, 25}),
            "has a native window of 65 powers of two; at most 64 are possible: raise its minimum, "
            "or lower its maximum");
  EXPECT_EQ(fault_of({8, -8, 9}),
            "has 4352 native buckets; at most 4096 are possible: take a larger factor or a smaller "
            "window");
  EXPECT_EQ(fault_of({8, -4, 4, true}), "");
  EXPECT_EQ(fault_of({8, -4, 5, true}).substr(0, 8), "has 4608");
}

TEST(NativeDescriptors, AreMadeOfFactorsAndWindowsRoundedOutwards) {
  EXPECT_EQ(native_of(0, 0, 0, false), (Native{3, -20, 12, false}));
  EXPECT_EQ(native_of(2, 1, 1024, true), (Native{0, 0, 10, true}));
  EXPECT_EQ(native_of(1.1, 0.001, 60, false), (Native{3, -10, 6, false}));
  EXPECT_EQ(native_of(1.00001, 1, 2, false), (Native{8, 0, 1, false}));
  EXPECT_EQ(native_of(1.5, 3, 5, false), (Native{1, 1, 3, false}));
  const auto refusal = [](double factor, double min, double max) -> std::string {
    try {
      native_of(factor, min, max, false);
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), METRICS_INVALID);
      return e.what();
    }
    return "";
  };
  const std::string factor = "; it is above 1, and at most 2: from one bound to the next";
  EXPECT_EQ(refusal(1, 0, 0), "the factor of a native histogram is 1.000000" + factor);
  EXPECT_EQ(refusal(4, 0, 0), "the factor of a native histogram is 4.000000" + factor);
  EXPECT_EQ(refusal(std::nan(""), 0, 0), "the factor of a native histogram is nan" + factor);
  EXPECT_EQ(refusal(0, -1, 0),
            "the min of a native histogram is -1.000000; it is above 0, as the window is one of "
            "magnitudes");
  EXPECT_EQ(refusal(0, 0, kInfinity).substr(0, 33), "the max of a native histogram is ");
  EXPECT_EQ(refusal(0, 1e6, 0),
            "the min of a native histogram is not below its max (2^19 and 2^12); set both");
}

TEST(NativeDescriptors, OfTwoEditionsAreJoinedToOneThatSplitsNeither) {
  EXPECT_EQ(joined({3, -20, 12, false}, {5, -10, 20, true}), (Native{3, -10, 20, true}));
  for (const Native& a : windows()) {
    for (const Native& b : windows()) {
      const Native both = joined(a, b);
      EXPECT_EQ(both, joined(b, a));
      EXPECT_EQ(joined(both, a), both);
      EXPECT_LT(both.low, both.high);
    }
  }
}

}  // namespace
}  // namespace metrics::format
