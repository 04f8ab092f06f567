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
#include <vector>

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
