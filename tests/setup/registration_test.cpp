// Many processes create one segment, and register the same and conflicting families, at the same
// moment: nobody waits, nothing is there twice, no conflict is missed. Every Scrape expects a
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
  EXPECT_EQ(names, std::set<std::string>{"segment.v1"});
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

TEST(Registration, OfConflictingFamiliesExactlyOneIsThere) {
  constexpr unsigned kWorkers = 8;
  constexpr unsigned kFamilies = 100;
  TempSegment t({64, 64, 16 * 1024, 1 << 20});
  struct Outcome {
    std::array<std::array<metrics_status, kFamilies>, kWorkers> status;
  };
  auto& outcome = shared<Outcome>();
  at_once(kWorkers, [&](unsigned worker) {
    for (unsigned i = 0; i < kFamilies; ++i) {
      const std::string name = "x" + std::to_string(i);
      metrics_family* family = nullptr;
      auto& status = outcome.status[worker][i];
      switch (worker % 4) {
        case 0: {
          status = metrics_family_of(t.segment().get(), METRICS_HISTOGRAM, name.c_str(), "",
                                     nullptr, 0, nullptr, &family);
          metrics_histogram* times = nullptr;
          EXPECT_EQ(metrics_histogram_labels(family, nullptr, 0, &times), status);
          metrics_histogram_observe(times, 1);
          break;
        }
        case 1: {
          status = metrics_family_of(t.segment().get(), METRICS_COUNTER, (name + "_count").c_str(),
                                     "", nullptr, 0, nullptr, &family);
          metrics_counter* counter = nullptr;
          EXPECT_EQ(metrics_counter_labels(family, nullptr, 0, &counter), status);
          metrics_counter_inc(counter, 1);
          break;
        }
        case 2:
          status =
              metrics_family_of(t.segment().get(), METRICS_GAUGE, (name + "_count").c_str(), "",
                                nullptr, 0, test::Options().mode(METRICS_SUM).get(), &family);
          break;
        default:
          status = metrics_family_of(t.segment().get(), METRICS_SUMMARY, name.c_str(), "", nullptr,
                                     0, nullptr, &family);
      }
    }
  });
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.family_count(), kFamilies);
  std::uint64_t conflicts = 0;
  for (unsigned i = 0; i < kFamilies; ++i) {
    unsigned winner = 4;
    for (unsigned worker = 0; worker < kWorkers; ++worker) {
      const metrics_status status = outcome.status[worker][i];
      if (status == METRICS_OK) {
        EXPECT_TRUE(winner == 4 || winner == worker % 4) << "x" << i << " is of two kinds";
        winner = worker % 4;
      } else {
        EXPECT_EQ(status, METRICS_CONFLICT);
        ++conflicts;
      }
    }
    ASSERT_NE(winner, 4u);
    for (unsigned worker = 0; worker < kWorkers; ++worker) {
      EXPECT_EQ(outcome.status[worker][i] == METRICS_OK, worker % 4 == winner);
    }
    const std::string name = "x" + std::to_string(i);
    if (winner == 0) {
      EXPECT_EQ(scrape.count(name), 2u);
    }
    if (winner == 1) {
      EXPECT_EQ(scrape.count(name + "_count"), 2u);
    }
  }
  EXPECT_EQ(conflicts, kFamilies * (kWorkers - 2));
  EXPECT_EQ(scrape.dropped(format::Drop::kFamilyConflict), conflicts);
}

TEST(Registration, AConflictNamesWhatDiffersBetweenTheTwo) {
  TempSegment t;
  const Family<Gauge> there("size", "", {}, {.unit = "bytes", .segment = t.segment()});
  metrics_family* other = nullptr;
  ASSERT_EQ(metrics_family_of(t.segment().get(), METRICS_GAUGE, "size_bytes", "", nullptr, 0,
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
