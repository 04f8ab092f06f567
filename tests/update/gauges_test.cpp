// A gauge is its process's: what forks, adopts, adds and sets it.
#include <gtest/gtest.h>
#include <signal.h>

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

TEST(Gauges, GaugesOfAForkedChildBeginUnset) {
  TempSegment t;
  for (const auto start : {&forked, &raw_cloned}) {
    const std::string name = start == &forked ? "by_fork" : "by_clone";
    Gauge load = t.gauge(name, Mode::kLiveSum);
    load.set(7);
    const pid_t child = start([&] {
      EXPECT_EQ(t.scrape().gauge(name), 7);
      load.inc();
      EXPECT_EQ(t.scrape().gauge(name), 8);
    });
    EXPECT_EQ(ended(child), 0);
    load.inc();
    EXPECT_EQ(t.scrape().gauge(name), 8);
  }
}

// The worker that adopts a slot before it knows the gauge takes over what is there when it comes to
// know it.
TEST(Gauges, WhatTheDeadHaveLeftIsTakenOverByALaterRegistration) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  const auto set_in_worker = [&](double value) {
    EXPECT_EQ(ended(forked([&] {
                tasks.inc();
                t.gauge("sum", Mode::kSum).set(value);
                t.gauge("least", Mode::kMin).set(value);
                t.gauge("most", Mode::kMax).set(value);
                t.gauge("live", Mode::kLiveSum).set(value);
                t.gauge("live", Mode::kLiveSum).inc();
                EXPECT_EQ(t.scrape().gauge("live"), value + 1);
              })),
              0);
  };
  set_in_worker(5);
  set_in_worker(3);
  set_in_worker(4);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.first_slots(), 1u);
  EXPECT_EQ(scrape.gauge("sum"), 12);
  EXPECT_EQ(scrape.gauge("least"), 3);
  EXPECT_EQ(scrape.gauge("most"), 5);
  EXPECT_EQ(scrape.gauge("live"), 0);
}

TEST(Gauges, ThreadsAddToOneValue) {
  constexpr unsigned kThreads = 4;
  constexpr unsigned kTimes = 20'000;
  TempSegment t;
  for (const Mode mode : {Mode::kSum, Mode::kLiveSum, Mode::kMin, Mode::kMax, Mode::kMostRecent}) {
    const std::string name = "load" + std::to_string(static_cast<int>(mode));
    Gauge load = t.gauge(name, mode);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i) {
      threads.emplace_back([load]() mutable {
        for (unsigned n = 0; n < kTimes; ++n) {
          load.inc(2);
          load.dec();
        }
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(t.scrape().gauge(name), kThreads * kTimes) << name;
  }
}

TEST(Gauges, AfterThreadsHaveSetOneOfTheirLastValuesStands) {
  constexpr unsigned kThreads = 4;
  TempSegment t;
  for (const Mode mode : {Mode::kSum, Mode::kMin, Mode::kMax, Mode::kMostRecent, Mode::kLiveMax}) {
    const std::string name = "load" + std::to_string(static_cast<int>(mode));
    Gauge load = t.gauge(name, mode);
    for (unsigned round = 0; round < 200; ++round) {
      std::vector<std::thread> threads;
      for (unsigned i = 1; i <= kThreads; ++i) {
        threads.emplace_back([load, i]() mutable {
          for (unsigned n = 0; n < 50; ++n) load.set(1000 + n);
          load.set(i);
        });
      }
      for (auto& thread : threads) thread.join();
      const double last = t.scrape().gauge(name).value_or(0);
      ASSERT_TRUE(last == 1 || last == 2 || last == 3 || last == 4) << name << ' ' << last;
    }
  }
}

TEST(Gauges, HandlesOfOneSeriesShareOneValue) {
  TempSegment t;
  const Gauge::Options options = {.mode = Mode::kSum, .segment = t.segment()};
  const auto labels = [&](const char* value) {
    return Family<Gauge>("load", "", {"name"}, options).labels(value);
  };
  EXPECT_EQ(ended(forked([&] { labels("\xef\xbf\xbd").set(5); })), 0);
  const pid_t worker = forked([&] {
    Gauge one = labels("\xff");
    one.set(1);
    Gauge other = labels("\xfe");  // not UTF-8 either, so the same series
    other.inc(10);
    one.inc(100);
    other.set(2);  // own value; what was inherited stays
  });
  EXPECT_EQ(ended(worker), 0);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.first_slots(), 1u);
  EXPECT_EQ(scrape.series_count("load"), 1u);
  EXPECT_EQ(scrape.by_first_label("load"), (std::map<std::string, double>{{"\xef\xbf\xbd", 7}}));
}

TEST(Gauges, EveryValueThatCanBeSetIsShown) {
  TempSegment t;
  Gauge load = t.gauge("load", Mode::kLiveMax);
  EXPECT_EQ(t.scrape().gauge("load"), std::nullopt);
  for (const double value : {0.0, -1.0, 1e308, 5e-324, HUGE_VAL, -HUGE_VAL}) {
    load.set(value);
    EXPECT_EQ(t.scrape().gauge("load"), value);
  }
  load.set(std::numeric_limits<double>::quiet_NaN());
  EXPECT_TRUE(std::isnan(t.scrape().gauge("load").value_or(0)));
  load.set(std::bit_cast<double>(format::kUnset));
  EXPECT_TRUE(std::isnan(t.scrape().gauge("load").value_or(0)));
}

TEST(Gauges, ProgressIsTrackedHoweverItsScopeIsLeft) {
  TempSegment t;
  Gauge running = t.gauge("running", Mode::kLiveSum);
  {
    const auto one = running.track_inprogress();
    auto two = running.track_inprogress();
    EXPECT_EQ(t.scrape().gauge("running"), 2);
    const auto moved = std::move(two);
    EXPECT_EQ(t.scrape().gauge("running"), 2);
  }
  EXPECT_EQ(t.scrape().gauge("running"), 0);
}

}  // namespace
}  // namespace metrics::test
