// Many processes create one segment, and register the same and colliding families, at the same
// moment: no process waits, nothing is there twice, none is refused. Every Scrape expects a
// directory without faults.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/options.h"
#include "tests/support/patch.h"
#include "tests/support/shared_memory.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

// Workers that begin at the same moment, as nearly as they can.
template <class Body>
void at_once(unsigned count, Body body) {
  auto& ready = shared<std::atomic<unsigned>>();
  std::vector<pid_t> workers;
  for (unsigned i = 0; i < count; ++i) {
    workers.push_back(forked([&, i] {
      ++ready;
      while (ready < count) std::this_thread::yield();
      body(i);
    }));
  }
  for (const pid_t worker : workers) EXPECT_EQ(ended(worker), 0);
}

void create_at_once(unsigned count) {
  for (unsigned round = 0; round < 30; ++round) {
    TempPath t;
    at_once(count, [&](unsigned) {
      const Segment segment(t.path(), kSmall);
      EXPECT_EQ(segment.status(), METRICS_OK);
      Family<Counter>("tasks", "", {}, {.segment = segment}).labels().inc();
    });
    const Scrape scrape = t.scrape();
    ASSERT_EQ(scrape.count("tasks"), count);
    ASSERT_EQ(scrape.family_count(), 1u);
  }
}

TEST(Registration, TwoCreatorsMakeOneSegment) { create_at_once(2); }
TEST(Registration, EightCreatorsMakeOneSegment) { create_at_once(8); }

TEST(Registration, ACreatorLeavesNothingBesideTheFile) {
  TempPath t;
  at_once(4, [&](unsigned) { const Segment segment(t.path(), kSmall); });
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(t.directory())) {
    names.insert(entry.path().filename());
  }
  EXPECT_EQ(names, std::set<std::string>{"segment.v2"});
}

TEST(Registration, TheSameSeriesOfManyProcessesIsOne) {
  constexpr unsigned kWorkers = 8;
  constexpr unsigned kSeries = 300;
  TempSegment t({64, 64, 16 * 1024, 1 << 20});
  at_once(kWorkers, [&](unsigned worker) {
    std::vector<unsigned> order(kSeries);
    std::iota(order.begin(), order.end(), 0);
    // Half of them in the same order, half each in its own.
    if (worker % 2 == 1) std::shuffle(order.begin(), order.end(), std::mt19937(worker));
    const Family<Counter> tasks("tasks", "", {"name"}, t.options());
    const Family<Histogram> times("times", "", {"a", "b"},
                                  {.bounds = {1, 2}, .segment = t.segment()});
    for (const unsigned i : order) {
      tasks.labels(std::to_string(i)).inc();
      times.labels("x", std::to_string(i)).observe(1);
    }
  });
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.family_count(), 2u);
  EXPECT_EQ(scrape.series_count("tasks"), kSeries);
  EXPECT_EQ(scrape.series_count("times"), kSeries);
  for (unsigned i = 0; i < kSeries; ++i) {
    EXPECT_EQ(scrape.count("tasks", {std::to_string(i)}), kWorkers);
    EXPECT_EQ(scrape.count("times", {"x", std::to_string(i)}), kWorkers);
  }
}

TEST(Registration, TheSameSeriesOfManyThreadsIsOne) {
  TempSegment t({64, 64, 16 * 1024, 1 << 20});
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (unsigned n = 0; n < 500; ++n) {
        Family<Counter>("tasks", "", {"name"}, t.options()).labels(std::to_string(n)).inc();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.series_count("tasks"), 500u);
  for (unsigned n = 0; n < 500; ++n) EXPECT_EQ(scrape.count("tasks", {std::to_string(n)}), 4u);
}

// Programs that can't be served together may start at the same moment: none is refused, and the
// same one's families are served everywhere.
TEST(Registration, OfCollidingFamiliesOfManyProcessesThoseOfOneKindAreServed) {
  constexpr unsigned kWorkers = 6;
  constexpr unsigned kFamilies = 100;
  TempSegment t({64, 64, 16 * 1024, 1 << 20});
  at_once(kWorkers, [&](unsigned worker) {
    for (unsigned i = 0; i < kFamilies; ++i) {
      const std::string name = "x" + std::to_string(i);
      if (worker % 3 == 0) t.histogram(name, {1}).observe(1);
      if (worker % 3 == 1) t.counter(name + "_count").inc();
      if (worker % 3 == 2) t.gauge(name + "_count", Mode::kSum).set(1);
    }
  });
  const Scrape scrape = t.scrape();
  ASSERT_EQ(scrape.family_count(), kFamilies);
  const format::Type served = scrape.families().families.front().type;
  for (const auto& family : scrape.families().families) {
    EXPECT_EQ(family.type, served) << family.name;
    if (served == format::Type::kGauge) {
      EXPECT_EQ(scrape.gauge(family.name), 2);
    } else {
      EXPECT_EQ(scrape.count(family.name), 2u);
    }
  }
  EXPECT_EQ(scrape.dropped(format::Drop::kFamilyConflict), 0u);
  reader::Reader reader(t.file());
  ASSERT_TRUE(reader.look());
  EXPECT_EQ(reader.catalogue()->contents.families.size(), 3 * kFamilies);
}

TEST(Registration, AConflictNamesBothDefinitions) {
  TempSegment t;
  const Family<Gauge> there("size", "", {}, {.unit = "bytes", .segment = t.segment()});
  metrics_family* other = nullptr;
  ASSERT_EQ(metrics_family_of(t.segment().get(), METRICS_COUNTER, "size_bytes", "", nullptr, 0,
                              nullptr, &other),
            METRICS_CONFLICT);
  EXPECT_NE(std::string(metrics_last_error()).find("of unit bytes"), std::string::npos)
      << metrics_last_error();
}

// A family may be made at each request.
TEST(Registration, AConflictIsLoggedOnce) {
  TempSegment t;
  t.counter("tasks");
  static std::vector<std::string> told;
  told.clear();
  metrics_set_log([](metrics_status, const char* text, void*) { told.emplace_back(text); },
                  nullptr);
  for (int i = 0; i < 3; ++i) t.gauge("tasks_total", Mode::kAll);
  EXPECT_EQ(told.size(), 1u);
  t.gauge("tasks_total", Mode::kSum);
  EXPECT_EQ(told.size(), 2u) << "another definition is another cause";
  metrics_set_log(nullptr, nullptr);
}

// A long chain would make each walk over it long.
TEST(Registration, AChainHasABound) {
  TempPath t;
  EXPECT_EQ(ended(forked([&] { const Segment made(t.path(), {4, 4, 16 * 1024, 1 << 20}); })), 0);
  Patch(t.file()).header().index_buckets = 1;
  EXPECT_EQ(ended(forked([&] {
              const Segment segment(t.path());
              metrics_family* family = nullptr;
              const char* label = "name";
              ASSERT_EQ(metrics_family_of(segment.get(), METRICS_COUNTER, "tasks", "", &label, 1,
                                          nullptr, &family),
                        METRICS_OK);
              unsigned made = 0;
              for (;; ++made) {
                const std::string value = std::to_string(made);
                const char* values = value.c_str();
                metrics_counter* counter = nullptr;
                const auto status = metrics_counter_labels(family, &values, 1, &counter);
                metrics_counter_inc(counter, 1);
                if (status == METRICS_OK) continue;
                EXPECT_EQ(status, METRICS_FULL);
                break;
              }
              EXPECT_EQ(made + 1, format::kMaxChain);  // with the family's record
            })),
            0);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.series_count("tasks"), format::kMaxChain - 1);
  EXPECT_EQ(scrape.dropped(format::Drop::kDirectoryFull), 1u);
}

TEST(Registration, RemovedSeriesDoNotFillAChain) {
  TempSegment t({4, 4, 16 * 1024, 1 << 20});
  const Family<Counter> tasks("tasks", "", {"name"}, t.options());
  for (unsigned i = 0; i < 2 * format::kMaxChain; ++i) {
    tasks.labels("one").inc();
    tasks.remove({"one"});
  }
  tasks.labels("one").inc();
  EXPECT_EQ(t.scrape().count("tasks", {"one"}), 1u);
  EXPECT_EQ(t.scrape().dropped(format::Drop::kDirectoryFull), 0u);
}

// Nobody would find a record that begins between two places for records.
TEST(Registration, ADirectoryThatEndsInTheMiddleOfAWordIsRefused) {
  TempSegment t;
  t.counter("tasks").inc();
  Patch(t.file()).header().directory_used.fetch_add(1);
  metrics_family* family = nullptr;
  EXPECT_EQ(metrics_family_of(t.segment().get(), METRICS_COUNTER, "others", "", nullptr, 0, nullptr,
                              &family),
            METRICS_INCOMPATIBLE);
  EXPECT_EQ(t.scraped("tasks"), 1u);
}

// A scrape in the midst of registrations sees each as whole as it will ever be, and forgets none.
TEST(Registration, ReadersSeeWholeSeriesAtAnyMoment) {
  TempSegment t({64, 64, 64 * 1024, 4 << 20});
  auto& stop = shared<std::atomic<bool>>();
  auto& registered = shared<std::array<std::atomic<unsigned>, 2>>();
  std::vector<pid_t> workers;
  for (unsigned worker = 0; worker < 2; ++worker) {
    workers.push_back(forked([&, worker] {
      const Family<Counter> tasks("tasks", "", {"name"}, t.options());
      for (unsigned n = 0; !stop && n < 3000; ++n) {
        tasks.labels(std::to_string(worker) + '/' + std::to_string(n)).inc();
        registered[worker].store(n + 1, std::memory_order_release);
      }
    }));
  }
  for (unsigned look = 0; look < 50; ++look) {
    const unsigned before[2] = {registered[0].load(std::memory_order_acquire),
                                registered[1].load(std::memory_order_acquire)};
    const Scrape scrape = t.scrape();
    ASSERT_GE(scrape.series_count("tasks"), before[0] + before[1]);
    for (unsigned worker = 0; worker < 2; ++worker) {
      if (before[worker] == 0) continue;
      const std::string last = std::to_string(worker) + '/' + std::to_string(before[worker] - 1);
      ASSERT_EQ(scrape.count("tasks", {last}), 1u);
    }
  }
  stop = true;
  for (const pid_t worker : workers) EXPECT_EQ(ended(worker), 0);
}

}  // namespace
}  // namespace metrics::test
