// What runs out costs what can't be had and nothing else, and is told: a status, and a counter in
// the segment.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/living.h"
#include "tests/support/options.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

using format::Drop;

// The only first slot is a worker's that lives until the end of the scope.
class Occupied : public Living {
 public:
  explicit Occupied(Counter tasks) : Living([tasks]() mutable { tasks.inc(); }) {}
};

// First, so that the program has joined none before.
TEST(Exhaustion, OneProcessJoinsSixteenSegments) {
  TempDirectory directory;
  const pid_t worker = forked([&] {
    for (unsigned i = 0; i < 17; ++i) {
      metrics_segment* segment = nullptr;
      const std::string path = directory.path() + "/segment" + std::to_string(i);
      EXPECT_EQ(metrics_open(path.c_str(), &kSmallInC, &segment),
                i < 16 ? METRICS_OK : METRICS_FULL);
      metrics_family* family = nullptr;
      EXPECT_EQ(
          metrics_family_of(segment, METRICS_COUNTER, "tasks", "", nullptr, 0, nullptr, &family),
          METRICS_OK);
      metrics_counter* counter = nullptr;
      EXPECT_EQ(metrics_counter_labels(family, nullptr, 0, &counter), METRICS_OK);
      metrics_counter_inc(counter, i);
      EXPECT_EQ(metrics_segment_status(segment), i < 16 ? METRICS_OK : METRICS_FULL);
    }
  });
  EXPECT_EQ(ended(worker), 0);
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/segment16.v2"));
  for (unsigned i = 0; i < 16; ++i) {
    const Scrape scrape(directory.path() + "/segment" + std::to_string(i) + ".v2");
    EXPECT_EQ(scrape.count("tasks"), i);
  }
}

TEST(Exhaustion, AProcessWithoutASlotCountsInTheSharedOne) {
  TempSegment t({1, 8, 4096, 64 * 1024});
  Counter tasks = t.counter("tasks");
  Histogram times = t.histogram("times", {1, 2});
  const Occupied first(tasks);
  EXPECT_EQ(t.segment().status(), METRICS_OK);
  for (unsigned i = 0; i < 10; ++i) {
    tasks.inc(2);
    tasks.inc(0.25);
    times.observe(1.5);
  }
  EXPECT_EQ(t.segment().status(), METRICS_NO_SLOT);
  EXPECT_EQ(t.segment().why(),
            "no slot of its own could be claimed in " + t.file() +
                " (no slot): counts go to the shared slot, gauges of a process without one are "
                "refused");
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 21u);
  EXPECT_EQ(scrape.sum("tasks"), 2.5);
  EXPECT_EQ(scrape.in_slot(0, "tasks"), 20u);
  EXPECT_EQ(scrape.buckets("times"), (std::vector<std::uint64_t>{0, 10, 0}));
  EXPECT_EQ(scrape.sum("times"), 15);
  EXPECT_EQ(scrape.dropped(Drop::kSlotsExhausted), 1u);
}

// An update must not: it may be a signal handler's.
TEST(Exhaustion, AProcessWithoutASlotSaysSoOnceAtItsNextSetUpCall) {
  TempSegment t({1, 8, 4096, 64 * 1024});
  Counter tasks = t.counter("tasks");
  const Occupied first(tasks);
  static std::vector<metrics_status> told;
  told.clear();
  metrics_set_log([](metrics_status status, const char*, void*) { told.push_back(status); },
                  nullptr);
  tasks.inc();
  EXPECT_TRUE(told.empty());
  t.counter("others").inc();
  t.counter("more").inc();
  EXPECT_EQ(t.segment().status(), METRICS_NO_SLOT);
  EXPECT_EQ(told, std::vector<metrics_status>{METRICS_NO_SLOT});
  metrics_set_log(nullptr, nullptr);
}

TEST(Exhaustion, GaugesOfAProcessWithoutASlotAreRefusedAndTheRefusalsCounted) {
  TempSegment t({1, 8, 4096, 64 * 1024});
  Gauge load = t.gauge("load", Mode::kSum);
  const Occupied first(t.counter("tasks"));
  for (unsigned i = 0; i < 5; ++i) load.set(1);
  load.inc();
  load.set_to_current_time();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.gauge("load"), 0);
  EXPECT_EQ(scrape.dropped(Drop::kGaugeWithoutSlot), 7u);
  EXPECT_EQ(scrape.dropped(Drop::kSlotsExhausted), 1u);
}

TEST(Exhaustion, ManyProcessesAndThreadsCountInTheSharedSlotAtOnce) {
  constexpr unsigned kProcesses = 3;
  constexpr unsigned kThreads = 2;
  constexpr unsigned kCounts = 20'000;
  TempSegment t({1, 1, 4096, 64 * 1024});
  Counter tasks = t.counter("tasks");
  Histogram times = t.histogram("times", {1, 2});
  const Occupied first(tasks);
  std::vector<pid_t> workers;
  for (unsigned i = 0; i < kProcesses; ++i) {
    workers.push_back(forked([&] {
      std::vector<std::thread> threads;
      for (unsigned k = 0; k < kThreads; ++k) {
        threads.emplace_back([tasks, times]() mutable {
          for (unsigned n = 0; n < kCounts; ++n) {
            tasks.inc();
            tasks.inc(0.5);
            times.observe(2);
          }
        });
      }
      for (auto& thread : threads) thread.join();
    }));
  }
  for (const pid_t worker : workers) EXPECT_EQ(ended(worker), 0);
  const Scrape scrape = t.scrape();
  constexpr std::uint64_t kAll = kProcesses * kThreads * kCounts;
  EXPECT_EQ(scrape.in_slot(0, "tasks"), kAll);
  EXPECT_EQ(scrape.sum("tasks"), kAll * 0.5);
  EXPECT_EQ(scrape.buckets("times"), (std::vector<std::uint64_t>{0, kAll, 0}));
  EXPECT_EQ(scrape.sum("times"), kAll * 2.0);
  EXPECT_EQ(scrape.dropped(Drop::kSlotsExhausted), kProcesses);
}

TEST(Exhaustion, AFailureIsRememberedUntilTheNextFork) {
  TempSegment t({1, 8, 4096, 64 * 1024});
  Counter tasks = t.counter("tasks");
  Occupied first(tasks);
  tasks.inc();
  first.kill();
  ASSERT_TRUE(becomes_free(t.file(), 1));
  tasks.inc();
  EXPECT_EQ(t.segment().status(), METRICS_NO_SLOT);
  EXPECT_EQ(t.scrape().in_slot(0, "tasks"), 2u);
  EXPECT_EQ(ended(forked([&] {
              tasks.inc();
              EXPECT_EQ(t.segment().status(), METRICS_OK);
            })),
            0);
  EXPECT_EQ(t.scrape().in_slot(1, "tasks"), 2u);
}

TEST(Exhaustion, AThreadWithoutALaneCountsInTheSharedSlot) {
  TempSegment t({8, 1, 4096, 64 * 1024});
  Counter tasks = t.counter("tasks");
  Gauge load = t.gauge("load", Mode::kLiveSum);
  std::atomic<unsigned> there{0};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 5; ++i) {
    threads.emplace_back([&, tasks, load]() mutable {
      tasks.inc();
      ++there;
      while (there < 5) std::this_thread::yield();
      for (unsigned n = 0; n < 10'000; ++n) tasks.inc();
      load.inc();  // the process has a first slot: its gauges have a place whoever sets them
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(t.segment().status(), METRICS_NO_SLOT);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 5u * 10'001);
  EXPECT_EQ(scrape.in_slot(0, "tasks"), 3u * 10'001);
  EXPECT_EQ(scrape.gauge("load"), 5);
  EXPECT_EQ(scrape.dropped(Drop::kLanesExhausted), 3u);
  EXPECT_EQ(scrape.dropped(Drop::kGaugeWithoutSlot), 0u);
}

TEST(Exhaustion, AFullDirectoryRefusesSeriesAndWastesNoCells) {
  TempSegment t({8, 8, 4096, 4096});
  Family<Counter> tasks("tasks", "", {"name"}, t.options());
  unsigned made = 0;
  metrics_status status = METRICS_OK;
  metrics_family* family = nullptr;
  const char* label = "name";
  ASSERT_EQ(metrics_family_of(t.segment().get(), METRICS_COUNTER, "tasks", nullptr, &label, 1,
                              nullptr, &family),
            METRICS_OK);
  for (; made < 1000; ++made) {
    const std::string value = "value" + std::to_string(1000 + made);
    const char* values = value.c_str();
    metrics_counter* counter = nullptr;
    status = metrics_counter_labels(family, &values, 1, &counter);
    ASSERT_NE(counter, nullptr);
    metrics_counter_inc(counter, 1);
    if (status != METRICS_OK) break;
  }
  EXPECT_EQ(status, METRICS_FULL);
  EXPECT_STREQ(
      metrics_last_error(),
      ("the directory of " + t.file() +
       " is full (4096 bytes): no room for a series of \"tasks\"; use fewer label values, or "
       "create the segment anew with a larger METRICS_DIRECTORY_BYTES")
          .c_str());
  EXPECT_EQ(made, 31u);  // a family and 31 series of 128 bytes
  const std::uint64_t cells = t.scrape().usage().cells_used;
  EXPECT_EQ(cells, made * 2);
  for (unsigned i = 0; i < 1000; ++i) tasks.labels("late" + std::to_string(i)).inc();
  Family<Counter>("late", "", {}, t.options()).labels().inc();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.usage().cells_used, cells);
  EXPECT_EQ(scrape.series_count("tasks"), made);
  EXPECT_EQ(scrape.dropped(Drop::kDirectoryFull), 1 + 1000u + 1);
  tasks.labels("value1000").inc();
  EXPECT_EQ(t.scrape().count("tasks", {"value1000"}), 2u);
  EXPECT_EQ(t.segment().status(), METRICS_OK);
}

TEST(Exhaustion, UsedUpCellsRefuseSeries) {
  TempSegment t({8, 8, 16, 64 * 1024});
  Counter tasks = t.counter("tasks");
  Histogram times = t.histogram("times", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});  // 12 cells
  tasks.inc();
  times.observe(5);
  metrics_family* family = nullptr;
  ASSERT_EQ(metrics_family_of(t.segment().get(), METRICS_GAUGE, "load", nullptr, nullptr, 0,
                              test::Options().mode(METRICS_SUM).get(), &family),
            METRICS_OK);
  metrics_gauge* load = nullptr;
  EXPECT_EQ(metrics_gauge_labels(family, nullptr, 0, &load), METRICS_FULL);
  EXPECT_STREQ(
      metrics_last_error(),
      ("the cells of " + t.file() +
       " are used up (16): none are left for a series of \"load\"; use fewer label values, or "
       "create the segment anew with a larger METRICS_CELLS")
          .c_str());
  ASSERT_NE(load, nullptr);
  metrics_gauge_set(load, 5);
  Counter last = t.counter("last");  // two cells are left
  last.inc(3);
  Counter none = t.counter("none");
  none.inc(3);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 1u);
  EXPECT_EQ(scrape.count("times"), 1u);
  EXPECT_EQ(scrape.count("last"), 3u);
  EXPECT_FALSE(scrape.has("none"));
  EXPECT_EQ(scrape.dropped(Drop::kCellsFull), 2u);
}

}  // namespace
}  // namespace metrics::test
