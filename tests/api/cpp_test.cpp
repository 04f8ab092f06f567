// The C++ API as its users write it.
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <stdexcept>
#include <string>
#include <thread>

#include "metrics/metrics.hpp"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

// What can't be meant does not compile.
template <class Options>
concept has_bounds = requires(Options o) {
  o.bounds;
};
template <class Options>
concept has_mode = requires(Options o) {
  o.mode;
};
static_assert(!has_bounds<Counter::Options> && !has_mode<Counter::Options>);
static_assert(!has_bounds<Gauge::Options> && has_mode<Gauge::Options>);
static_assert(has_bounds<Histogram::Options> && !has_mode<Histogram::Options>);
static_assert(!has_bounds<Summary::Options> && !has_mode<Summary::Options>);
template <class Metric>
concept sets = requires(const Family<Metric> f) {
  f.set(1);
};
template <class Metric>
concept observes = requires(const Family<Metric> f) {
  f.observe(1);
};
template <class Metric>
concept increments = requires(const Family<Metric> f) {
  f.inc();
};
static_assert(!sets<Counter> && sets<Gauge> && !sets<Histogram>);
static_assert(!observes<Counter> && observes<Histogram> && observes<Summary>);
static_assert(increments<Counter> && increments<Gauge> && !increments<Histogram>);

TEST(Families, WithoutLabelsAreUpdatedDirectly) {
  TempSegment t;
  const Family<Counter> requests{"requests_total", "", {}, t.options()};
  const Family<Gauge> load{"load", "", {}, {.mode = Mode::kSum, .segment = t.segment()}};
  const Family<Histogram> seconds{"seconds", "", {}, t.options()};
  const Family<Summary> sizes{"sizes", "", {}, t.options()};
  EXPECT_EQ(t.scrape().count("requests"), 0u) << "there from the beginning";
  requests.inc();
  requests.inc(5);
  requests.inc(0.5);
  load.set(3);
  load.inc();
  load.dec(2);
  {
    const auto running = load.track_inprogress();
    EXPECT_EQ(load.value(), 3);
  }
  seconds.observe(0.1);
  { const auto timer = seconds.time(); }
  sizes.observe(7);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("requests"), 6u);
  EXPECT_EQ(scrape.sum("requests"), 0.5);
  EXPECT_EQ(scrape.gauge("load"), 2);
  EXPECT_EQ(scrape.count("seconds"), 2u);
  EXPECT_EQ(scrape.sum("sizes"), 7);
}

TEST(Families, WithLabelsRefuseDirectUpdates) {
  TempSegment t;
  const Family<Counter> tasks{"tasks", "", {"type"}, t.options()};
  try {
    tasks.inc();
    ADD_FAILURE() << "it was counted";
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(), "\"tasks\" takes 1 label values (type), not 0");
  }
  EXPECT_THROW(tasks.labels(), std::invalid_argument);
}

TEST(Families, WithoutLabelsBeginAnewOnceTheirSeriesIsRemoved) {
  TempSegment t;
  const Family<Counter> requests{"requests_total", "", {}, t.options()};
  requests.inc(5);
  ASSERT_EQ(ended(forked([&] { requests.clear(); })), 0);
  requests.inc(2);
  requests.labels().inc();
  EXPECT_EQ(t.scrape().count("requests"), 3u);
  EXPECT_EQ(requests.value(), 3);
}

TEST(LabelValues, ThatAreNullAreRefused) {
  TempSegment t;
  const Family<Counter> calls{"calls", "", {"a", "b"}, t.options()};
  const char* const null = nullptr;
  EXPECT_THROW(calls.labels(null, "b"), std::invalid_argument);
  EXPECT_THROW(calls.labels(1, null), std::invalid_argument);
  EXPECT_THROW(calls.remove(null, 2), std::invalid_argument);
}

TEST(Bounds, ThatAreGivenButEmptyLeaveTheInfiniteBucketAlone) {
  TempSegment t;
  const auto buckets = [&](const std::string& name, const Bounds& bounds) {
    t.histogram(name, bounds).observe(1);
    return t.scrape().buckets(name).size();
  };
  EXPECT_EQ(buckets("none", Bounds(std::vector<double>{})), 1u);
  EXPECT_EQ(buckets("linear", Bounds::linear(1, 1, 0)), 1u);
  EXPECT_EQ(buckets("default", Bounds()), 12u);
}

struct Version {
  int major, minor;
};
std::ostream& operator<<(std::ostream& out, const Version& v) {
  return out << v.major << '.' << v.minor;
}

TEST(LabelValues, AreWhateverAStreamPrints) {
  TempSegment t;
  const Family<Counter> calls{"calls", "", {"a", "b", "c"}, t.options()};
  calls.labels(200, "GET", true).inc();
  calls.labels(-1L, std::string_view("view"), 'x').inc();
  calls.labels(0.25, std::string("text"), Version{1, 2}).inc();
  calls.labels(std::uint8_t{'7'}, false, 1ull << 63).inc();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("calls", {"200", "GET", "true"}), 1u);
  EXPECT_EQ(scrape.count("calls", {"-1", "view", "x"}), 1u);
  EXPECT_EQ(scrape.count("calls", {"0.25", "text", "1.2"}), 1u);
  EXPECT_EQ(scrape.count("calls", {"7", "false", "9223372036854775808"}), 1u);
  calls.remove(200, "GET", true);
  EXPECT_FALSE(t.scrape().has("calls", {"200", "GET", "true"}));
}

TEST(LabelValues, StandByNameInAnyOrder) {
  TempSegment t;
  const Family<Counter> tasks{"tasks", "", {"type", "host"}, t.options()};
  tasks.with({{"host", "h"}, {"type", "image"}}).inc();
  tasks.labels("image", "h").inc();
  EXPECT_EQ(t.scrape().count("tasks", {"image", "h"}), 2u);
  EXPECT_THROW(tasks.with({{"type", "image"}}), std::invalid_argument);
  EXPECT_THROW(tasks.with({{"type", "image"}, {"hots", "h"}}), std::invalid_argument);
}

TEST(Handles, InAConstStructCount) {
  TempSegment t;
  struct Metrics {
    Counter tasks;
    Gauge load;
    Histogram seconds;
  };
  const Metrics metrics = {t.counter("tasks"), t.gauge("load", Mode::kSum),
                           t.histogram("seconds", {1})};
  metrics.tasks.inc();
  metrics.load.set(2);
  metrics.seconds.observe(0.5);
  EXPECT_EQ(t.scrape().count("tasks"), 1u);
  EXPECT_EQ(t.scrape().gauge("load"), 2);
  EXPECT_EQ(t.scrape().count("seconds"), 1u);
}

TEST(Families, OfInfosAreStatedAndClearedWithoutAnotherHelp) {
  TempSegment t;
  const Family<Info> build{"build", "Which version runs.", {t.segment()}};
  build.state({{"version", "1"}, {"commit", "a"}});
  build.state({{"commit", "a"}, {"version", "1"}});
  EXPECT_EQ(t.scrape().series_count("build"), 1u);
  build.state({{"version", "2"}});
  build.remove({{"commit", "a"}, {"version", "1"}});
  EXPECT_EQ(t.scrape().series_count("build"), 1u);
  build.clear();
  EXPECT_EQ(t.scrape().series_count("build"), 0u);
  EXPECT_EQ(info("other", "", {{"a", "b"}}, t.segment()).status(), METRICS_OK);
  EXPECT_EQ(t.scrape().series_count("other"), 1u);
}

TEST(Families, KnowWhyTheyWereRefused) {
  TempSegment t;
  const Family<Counter> tasks{"tasks", "", {}, t.options()};
  EXPECT_EQ(tasks.status(), METRICS_OK);
  EXPECT_EQ(tasks.why(), "");
  const Family<Gauge> conflicting{"tasks", "", {}, t.options()};
  conflicting.set(1);
  EXPECT_EQ(conflicting.status(), METRICS_CONFLICT);
  EXPECT_NE(conflicting.why().find("conflicts with the counter \"tasks\""), std::string::npos)
      << conflicting.why();
}

TEST(Values, AreReadBackOverAllProcessesTheDeadIncluded) {
  TempSegment t;
  const Counter tasks = t.counter("tasks");
  const Histogram seconds = t.histogram("seconds", {1, 2});
  const auto count = [&] {
    tasks.inc(2);
    tasks.inc(0.25);
    seconds.observe(0.5);
    seconds.observe(9);
  };
  count();
  std::thread(count).join();  // in a lane
  ASSERT_EQ(ended(forked(count)), 0);
  EXPECT_EQ(tasks.value(), 6.75);
  EXPECT_EQ(seconds.count(), 6u);
  EXPECT_EQ(seconds.sum(), 28.5);
}

TEST(Values, OfGaugesAreThisProcesssOwn) {
  TempSegment t;
  for (const Mode mode : {Mode::kAll, Mode::kLiveAll, Mode::kLiveSum, Mode::kMin, Mode::kMax,
                          Mode::kLiveMax, Mode::kMostRecent, Mode::kSum}) {
    const Gauge gauge = t.gauge("g" + std::to_string(static_cast<int>(mode)), mode);
    EXPECT_TRUE(std::isnan(gauge.value())) << "nobody has set it";
    ASSERT_EQ(ended(forked([&] { gauge.set(7); })), 0);
    gauge.set(3);
    EXPECT_EQ(gauge.value(), 3) << static_cast<int>(mode);
    gauge.inc(2);
    EXPECT_EQ(gauge.value(), 5) << static_cast<int>(mode);
  }
}

TEST(Values, OfHandlesThatCountNothingAreNone) {
  EXPECT_TRUE(std::isnan(Counter().value()));
  EXPECT_TRUE(std::isnan(Gauge().value()));
  EXPECT_EQ(Histogram().count(), 0u);
  EXPECT_TRUE(std::isnan(Histogram().sum()));
}

TEST(Timers, ObserveWhenTheyAreStoppedAndNotAgain) {
  TempSegment t;
  const Histogram seconds = t.histogram("seconds", {1});
  double first = 0;
  {
    Timer timer = seconds.time();
    EXPECT_GE(timer.elapsed(), 0);
    EXPECT_EQ(seconds.count(), 0u);
    first = timer.stop();
    EXPECT_EQ(seconds.count(), 1u);
    EXPECT_GE(timer.stop(), first) << "a second call tells the time, and observes nothing";
  }
  EXPECT_EQ(seconds.count(), 1u);
  EXPECT_EQ(seconds.sum(), first);
}

TEST(Timers, ThatAreDiscardedObserveNothing) {
  TempSegment t;
  const Histogram seconds = t.histogram("seconds", {1});
  {
    Timer timer = seconds.time();
    timer.discard();
  }
  EXPECT_EQ(seconds.count(), 0u);
}

}  // namespace
}  // namespace metrics::test
