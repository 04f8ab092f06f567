// What an update does to its series, and what is no update at all.
#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

using format::Drop;

TEST(Counters, CountWholeNumbersExactlyAndFractionsBeside) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  tasks.inc();
  tasks.inc(std::uint64_t{1} << 60);
  tasks.inc(3.0);
  tasks.inc(0.5);
  tasks.inc(0.25f);
  tasks.inc(0.0);
  tasks.inc(std::uint8_t{2});
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), (std::uint64_t{1} << 60) + 1 + 3 + 2);
  EXPECT_EQ(scrape.sum("tasks"), 0.75);
}

TEST(Counters, AmountsThatNoIntegerHoldsGoToTheFraction) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  tasks.inc(1e300);
  tasks.inc(9007199254740992.0);
  EXPECT_EQ(t.scrape().count("tasks"), 0u);
  EXPECT_EQ(t.scrape().sum("tasks"), 1e300);
}

TEST(Counters, NegativeAmountsAndNanAreDropped) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  tasks.inc(5);
  tasks.inc(-1);
  tasks.inc(-0.5);
  tasks.inc(std::numeric_limits<double>::quiet_NaN());
  tasks.inc(-std::numeric_limits<double>::infinity());
  tasks.inc(std::numeric_limits<std::int64_t>::min());
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 5u);
  EXPECT_EQ(scrape.sum("tasks"), 0);
  EXPECT_EQ(scrape.dropped(Drop::kCounterNegative), 5u);
}

TEST(Updates, WithNanTrapNothingInAProgramThatTrapsFloatingPointExceptions) {
  TempSegment t;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Counter tasks = t.counter("tasks");
  const Histogram times = t.histogram("times", {1, 2});
  const Gauge load = t.gauge("load", Mode::kLiveSum);
  const Gauge least = t.gauge("least", Mode::kMin);
  const Gauge most = t.gauge("most", Mode::kMax);
  const auto update = [&] {
    tasks.inc(nan);
    times.observe(nan);
    for (const Gauge& gauge : {load, least, most}) {
      gauge.set(nan);
      gauge.inc(nan);
    }
  };
  EXPECT_EQ(ended(forked([&] {
              least.set(1);
              most.set(1);
            })),
            0);
  EXPECT_EQ(ended(forked([&] {
              ::feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
              update();  // the first one
              update();
              metrics_counter_add(nullptr, nan);
            })),
            0);
  EXPECT_EQ(t.scrape().dropped(Drop::kCounterNegative), 2u);
}

TEST(Histograms, CountEachObservationInOneBucketAndSumThem) {
  TempSegment t;
  Histogram times = t.histogram("times", {-1, 0, 2.5});
  for (const double value : {-2.0, -1.0, -0.5, 0.0, 2.5, 2.6, 1e9}) times.observe(value);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.buckets("times"), (std::vector<std::uint64_t>{2, 2, 1, 2}));
  EXPECT_EQ(scrape.sum("times"), -2.0 - 1.0 - 0.5 + 0.0 + 2.5 + 2.6 + 1e9);
}

TEST(Histograms, ObserveInfinities) {
  TempSegment t;
  Histogram times = t.histogram("times", {1});
  times.observe(HUGE_VAL);
  EXPECT_EQ(t.scrape().buckets("times"), (std::vector<std::uint64_t>{0, 1}));
  EXPECT_EQ(t.scrape().sum("times"), HUGE_VAL);
  times.observe(-HUGE_VAL);
  EXPECT_EQ(t.scrape().buckets("times"), (std::vector<std::uint64_t>{1, 1}));
  EXPECT_TRUE(std::isnan(t.scrape().sum("times")));
}

TEST(Histograms, NanIsDropped) {
  TempSegment t;
  Histogram times = t.histogram("times", {1});
  const Summary sizes = Family<Summary>("sizes", "", {}, t.options()).labels();
  times.observe(0.5);
  for (Histogram h : {times, static_cast<Histogram>(sizes)}) {
    h.observe(std::numeric_limits<double>::quiet_NaN());
    h.observe(-std::numeric_limits<double>::signaling_NaN());
  }
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("times"), 1u);
  EXPECT_EQ(scrape.sum("times"), 0.5);
  EXPECT_EQ(scrape.count("sizes"), 0u);
  EXPECT_EQ(scrape.dropped(Drop::kObservationNan), 4u);
}

TEST(Histograms, WithoutBoundsGivenHavePrometheuss) {
  TempSegment t;
  Histogram times = t.histogram("times", {});
  for (const double value : {.005, .01, .025, .05, .1, .25, .5, 1., 2.5, 5., 10., 11.}) {
    times.observe(value);
  }
  EXPECT_EQ(t.scrape().buckets("times"), std::vector<std::uint64_t>(12, 1));
}

TEST(Histograms, MayHaveTheInfiniteBucketAlone) {
  TempSegment t;
  Histogram times = t.histogram("times", {HUGE_VAL});
  times.observe(3);
  EXPECT_EQ(t.scrape().buckets("times"), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(t.scrape().sum("times"), 3);
}

TEST(Histograms, TimersObserveOnceHoweverTheirScopeIsLeft) {
  TempSegment t;
  Histogram times = t.histogram("times", {1e9});
  try {
    const auto timer = times.time();
    throw std::runtime_error("out of here");
  } catch (const std::runtime_error&) {
  }
  {
    auto timer = times.time();
    const auto moved = std::move(timer);
  }
  EXPECT_EQ(t.scrape().buckets("times"), (std::vector<std::uint64_t>{2, 0}));
  EXPECT_GE(t.scrape().sum("times"), 0);
}

TEST(Summaries, CountAndSum) {
  TempSegment t;
  Summary sizes = Family<Summary>("sizes", "", {"name"}, t.options()).labels("a");
  sizes.observe(2);
  sizes.observe(-0.5);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("sizes", {"a"}), 2u);
  EXPECT_EQ(scrape.sum("sizes", {"a"}), 1.5);
}

}  // namespace
}  // namespace metrics::test
