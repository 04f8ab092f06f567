// Every search finds the bucket that std::lower_bound finds, on every CPU path that this machine
// has.
#include "libmetrics/update/buckets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "libmetrics/format/native.h"
#include "libmetrics/setup/bounds.h"

namespace metrics::update {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kDenormal = std::numeric_limits<double>::denorm_min();

std::uint32_t expected(const std::vector<double>& bounds, double value) {
  return static_cast<std::uint32_t>(std::lower_bound(bounds.begin(), bounds.end(), value) -
                                    bounds.begin());
}

// Each bound, what is next to it, and the extremes.
std::vector<double> telling_values(const std::vector<double>& bounds) {
  std::vector<double> values = {-kInfinity,
                                kInfinity,
                                0.0,
                                -0.0,
                                kDenormal,
                                -kDenormal,
                                std::numeric_limits<double>::min(),
                                std::numeric_limits<double>::max(),
                                std::numeric_limits<double>::lowest()};
  for (const double bound : bounds) {
    values.insert(values.end(),
                  {bound, std::nextafter(bound, -kInfinity), std::nextafter(bound, kInfinity)});
  }
  return values;
}

void expect_agreement(const std::vector<double>& bounds) {
  const setup::Bounds b(bounds);
  const auto all = searches(b.count());
  ASSERT_FALSE(all.count == 0);
  ASSERT_EQ(all.begin()->find, b.search().find);
  std::vector<std::uint64_t> cells(b.padded() + 2);
  const std::uint32_t sum = b.count() + 1;
  for (const double value : telling_values(bounds)) {
    for (const Search& search : all) {
      const auto said = [&] {
        return search.name + (" of " + std::to_string(value)) + " in " +
               std::to_string(bounds.size()) + " bounds";
      };
      const std::uint32_t bucket = expected(bounds, value);
      ASSERT_EQ(search.find(b.data(), b.padded(), value), bucket) << said();
      const metrics_histogram h{0, sum, b.padded(), b.data(), search.observe, search.find};
      std::fill(cells.begin(), cells.end(), 0);
      search.observe(cells.data(), &h, value);
      ASSERT_EQ(cells[bucket], 1u) << said();
      ASSERT_EQ(cells[sum], std::bit_cast<std::uint64_t>(0.0 + value)) << said();
      cells[bucket] = cells[sum] = 0;
      ASSERT_EQ(std::count(cells.begin(), cells.end(), 0u), cells.size()) << said();
    }
    ASSERT_EQ(b.bucket(value), expected(bounds, value));
  }
}

TEST(Buckets, OfEveryNumberOfBoundsAreFoundBySearchesAlike) {
  for (unsigned count = 0; count <= 300; ++count) {
    std::vector<double> bounds;
    for (unsigned i = 0; i < count; ++i) bounds.push_back(0.005 * i * i - 1);
    expect_agreement(bounds);
  }
  std::vector<double> most;
  for (unsigned i = 0; i < 1024; ++i) most.push_back(i);
  expect_agreement(most);
}

TEST(Buckets, OfRandomBoundsAreFoundBySearchesAlike) {
  std::mt19937_64 random(20240229);
  for (unsigned round = 0; round < 300; ++round) {
    std::set<double> bounds;
    const std::size_t count = random() % 200;
    while (bounds.size() < count) {
      const double any = std::bit_cast<double>(random());  // of all magnitudes, and signs
      if (std::isfinite(any)) bounds.insert(any);
    }
    expect_agreement({bounds.begin(), bounds.end()});
  }
}

TEST(Buckets, OfExtremeBoundsAreFoundBySearchesAlike) {
  expect_agreement({-kDenormal, 0, kDenormal, 2 * kDenormal});
  expect_agreement({std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max()});
  const auto defaults = setup::default_bounds();
  expect_agreement({defaults.begin(), defaults.end()});
}

// Returns how many values were looked up.
std::size_t expect_agreement(const std::vector<double>& explicit_ones, const format::Native& native,
                             const char* name) {
  const std::vector<double> grid = format::grid_of(explicit_ones, native);
  const setup::Bounds b(explicit_ones, native);
  EXPECT_EQ(b.count(), grid.size());
  EXPECT_TRUE(std::equal(grid.begin(), grid.end(), b.data()));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b.data()) % kBoundsAlignment, 0u);
  EXPECT_STREQ(b.search().name, name);
  std::vector<double> values = telling_values(grid);
  std::mt19937_64 random(4711);
  for (std::size_t i = 0; i < 20 * grid.size(); ++i) {
    const double any = std::bit_cast<double>(random());
    if (!std::isnan(any)) values.push_back(any);
    const double low = grid[random() % grid.size()];
    values.push_back(low * (1 + static_cast<double>(random() % 1000) / 500));
  }
  const std::uint32_t sum = b.count() + 1;
  const metrics_histogram h{0, sum, b.padded(), b.data(), b.search().observe, b.search().find};
  std::vector<std::uint64_t> cells(sum + 1);
  for (const double value : values) {
    const std::uint32_t bucket = expected(grid, value);
    if (b.bucket(value) != bucket) {
      ADD_FAILURE() << value << " is in " << b.bucket(value) << ", not in " << bucket;
      return values.size();
    }
    cells[sum] = 0;
    h.observe(cells.data(), &h, value);
    EXPECT_EQ(std::exchange(cells[bucket], 0), 1u) << value;
    EXPECT_EQ(cells[sum], std::bit_cast<std::uint64_t>(0.0 + value));
  }
  return values.size();
}

TEST(Buckets, OfNativeHistogramsAreFoundByStretches) {
  const auto defaults = setup::default_bounds();
  const std::vector<double> explicit_ones(defaults.begin(), defaults.end());
  const char* const one = "stretches";
  std::size_t values = 0;
  for (int schema = 0; schema <= format::kMaxSchema; ++schema) {
    const int octaves = std::min(64, 4096 >> schema);
    for (const int low : {-1022, -20, -octaves / 2, 0, 1023 - octaves}) {
      values += expect_agreement({}, {schema, low, low + octaves}, one);
      values += expect_agreement({}, {schema, low, low + octaves / 2, true}, one);
    }
  }
  for (const int schema : {0, 3, 5, 8}) {
    const int octaves = std::min(32, 4096 >> schema);
    values += expect_agreement(explicit_ones, {schema, -10, octaves - 10},
                               schema < 5 ? one : "stretches of two");
  }
  EXPECT_GT(values, 2'000'000u);
}

TEST(Buckets, OfNativeHistogramsWhoseExplicitBoundsCrowdAreFoundToo) {
  // Three bounds in a stretch take more and shorter ones; bounds that only such short stretches
  // could tell apart that the table would be too large, and bounds far outside, take no table.
  expect_agreement({1.2, 1.205, 1.21, 1.215}, {3, -20, 12}, "stretches of two");
  const std::string halving = searches(300).begin()->name;
  const double next = std::nextafter(1.2, 2);
  expect_agreement({1.2, next, std::nextafter(next, 2)}, {3, -20, 12}, halving.c_str());
  expect_agreement({-5, 0, kDenormal, 1e-300, 1e300}, {3, -20, 12, true}, halving.c_str());
  expect_agreement({-5, -1, 0, 0.001, 10'000}, {3, -20, 12, true}, "stretches");
  // Eight bounds: what is behind the last one is compared with one more.
  expect_agreement({1.2, next}, {0, 0, 4}, "stretches of two");
  // The first stretch begins at zero, which may be a bound with a sign.
  expect_agreement({-0.0, kDenormal}, {0, -1022, -1020}, "stretches of two");
  expect_agreement({std::numeric_limits<double>::max()}, {0, 1020, 1023}, "stretches");
}

TEST(Buckets, BoundsAreInclusive) {
  const setup::Bounds bounds(std::vector<double>{1, 2, 5});
  EXPECT_EQ(bounds.bucket(-kInfinity), 0u);
  EXPECT_EQ(bounds.bucket(1), 0u);
  EXPECT_EQ(bounds.bucket(std::nextafter(1, 2)), 1u);
  EXPECT_EQ(bounds.bucket(2), 1u);
  EXPECT_EQ(bounds.bucket(5), 2u);
  EXPECT_EQ(bounds.bucket(std::nextafter(5, 6)), 3u);
  EXPECT_EQ(bounds.bucket(kInfinity), 3u);
}

TEST(Buckets, BoundsArePaddedAndAlignedForTheWidestVector) {
  for (unsigned count : {0u, 1u, 7u, 8u, 9u, 65u}) {
    const setup::Bounds bounds(std::vector<double>(count, 1));
    EXPECT_EQ(bounds.count(), count);
    EXPECT_EQ(bounds.padded(), (count + 7) / 8 * 8);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bounds.data()) % 64, 0u);
    for (unsigned i = count; i < bounds.padded(); ++i) EXPECT_EQ(bounds.data()[i], kInfinity);
  }
}

}  // namespace
}  // namespace metrics::update
