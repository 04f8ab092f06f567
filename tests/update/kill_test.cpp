// What an update has returned from is counted, whatever is killed afterwards and whenever. A worker
// acknowledges each update; after its death as many are counted as it has acknowledged, or one more
// that was in flight.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/gate.h"
#include "tests/support/shared_memory.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

using Acknowledged = std::atomic<std::uint64_t>;

// Random, but the same in each run; how far a worker comes meanwhile is not.
std::mt19937& random_numbers() {
  static std::mt19937 numbers(20240229);
  return numbers;
}
std::uint64_t random_below(std::uint64_t most) {
  return std::uniform_int_distribution<std::uint64_t>(0, most - 1)(random_numbers());
}

// Lets a random moment of at most that long pass: what the kill hits is what is tested.
void spin_up_to(std::chrono::microseconds most) {
  const auto until =
      std::chrono::steady_clock::now() +
      std::chrono::microseconds(random_below(static_cast<std::uint64_t>(most.count())));
  while (std::chrono::steady_clock::now() < until) {
  }
}

void expect_acknowledged(std::uint64_t counted, std::uint64_t acknowledged,
                         std::uint64_t in_flight) {
  EXPECT_GE(counted, acknowledged);
  EXPECT_LE(counted, acknowledged + in_flight);
}

TEST(Kills, WhatWasAcknowledgedOverAPipeIsCounted) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  std::uint64_t before = 0;
  for (unsigned round = 0; round < 200; ++round) {
    Gate counted;
    const pid_t worker = forked([&] {
      for (;;) {
        tasks.inc();
        counted.let_pass();
      }
    });
    std::uint64_t acknowledged = random_below(50);
    for (std::uint64_t i = 0; i < acknowledged; ++i) counted.pass();
    killed(worker);
    acknowledged += counted.passed(1'000'000);
    const std::uint64_t after = t.scraped("tasks");
    expect_acknowledged(after - before, acknowledged, 1);
    before = after;
  }
  EXPECT_LE(t.scrape().first_slots(), 2u);
}

// From the fork to well into counting: most of these kills hit the claim.
TEST(Kills, AKillAnywhereInAClaimCostsNothing) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gauge load = t.gauge("load", Mode::kSum);
  auto& acknowledged = shared<Acknowledged>();
  std::uint64_t before = 0;
  for (unsigned round = 0; round < 600; ++round) {
    acknowledged = 0;
    const pid_t worker = forked([&] {
      for (;;) {
        tasks.inc();
        acknowledged.fetch_add(1, std::memory_order_relaxed);
        load.set(0);
      }
    });
    spin_up_to(std::chrono::microseconds(400));
    killed(worker);
    const std::uint64_t after = t.scraped("tasks");
    expect_acknowledged(after - before, acknowledged, 1);
    before = after;
  }
  EXPECT_LE(t.scrape().first_slots(), 2u);
}

TEST(Kills, CountsOfSeveralThreadedWorkersSurviveThem) {
  constexpr unsigned kWorkers = 3;
  constexpr unsigned kThreads = 3;
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Histogram times = t.histogram("times", {1, 2, 3});
  struct Counts {
    std::array<Acknowledged, kWorkers * kThreads> tasks{}, times{};
  };
  auto& acknowledged = shared<Counts>();
  const auto sum = [](const auto& counts) {
    std::uint64_t total = 0;
    for (const auto& count : counts) total += count;
    return total;
  };
  const auto start = [&](unsigned worker) {
    return forked([&, worker] {
      std::vector<std::thread> threads;
      for (unsigned i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, at = worker * kThreads + i, tasks, times]() mutable {
          for (unsigned n = 0;; ++n) {
            tasks.inc();
            acknowledged.tasks[at].fetch_add(1, std::memory_order_relaxed);
            times.observe(n % 4 + 0.5);
            acknowledged.times[at].fetch_add(1, std::memory_order_relaxed);
          }
        });
      }
      for (auto& thread : threads) thread.join();
    });
  };
  std::array<pid_t, kWorkers> workers{};
  for (unsigned i = 0; i < kWorkers; ++i) workers[i] = start(i);
  constexpr unsigned kKills = 50;
  for (unsigned round = 0; round < kKills; ++round) {
    const auto victim = static_cast<unsigned>(random_below(kWorkers));
    spin_up_to(std::chrono::milliseconds(4));
    killed(workers[victim]);
    workers[victim] = start(victim);
  }
  for (const pid_t worker : workers) killed(worker);
  const Scrape scrape = t.scrape();
  constexpr std::uint64_t kInFlight = (kKills + kWorkers) * kThreads;
  expect_acknowledged(scrape.count("tasks"), sum(acknowledged.tasks), kInFlight);
  expect_acknowledged(scrape.count("times"), sum(acknowledged.times), kInFlight);
  EXPECT_LE(scrape.first_slots(), kWorkers + 1);
  EXPECT_LE(scrape.lanes(), kWorkers * (kThreads - 1) + kThreads - 1);
}

TEST(Kills, AKilledRegistrantLeavesADirectoryWithoutFaults) {
  TempSegment t({64, 64, 128 * 1024, 8 << 20});
  Family<Counter> tasks("tasks", "", {"number"}, t.options());
  auto& registered = shared<Acknowledged>();
  std::uint64_t counted = 0;
  std::uint64_t acknowledged = 0;
  // Longer where workers take longer to begin, so that kills hit registrants.
  std::chrono::microseconds most(600);
  constexpr std::chrono::microseconds kMost(50'000);
  for (unsigned round = 0; round < 200; ++round) {
    const std::uint64_t first = registered;
    const pid_t worker = forked([&] {
      // A counter takes two cells, so that all of these fit however long the kill takes, beside
      // the eighth that is kept for families with few series.
      for (std::uint64_t n = registered; n < 28'000; ++n) {
        tasks.labels(std::to_string(n)).inc();
        registered.store(n + 1, std::memory_order_release);
      }
      for (;;) ::pause();
    });
    spin_up_to(most);
    killed(worker);
    acknowledged += registered - first;
    if (registered == first) most = std::min(most + most / 16, kMost);
  }
  const Scrape scrape = t.scrape();  // expects a directory without faults
  for (std::uint64_t n = 0; n < registered; ++n) {
    const std::uint64_t here = scrape.count("tasks", {std::to_string(n)});
    EXPECT_GE(here, 1u);
    counted += here;
  }
  expect_acknowledged(counted, acknowledged, 200);
  EXPECT_GE(acknowledged, 200u);
}

// A gauge is one word: what a kill leaves is a value that was set.
TEST(Kills, AKilledWorkersGaugeHoldsAValueThatItHasSet) {
  TempSegment t;
  Gauge sum = t.gauge("sum", Mode::kSum);
  Gauge most = t.gauge("most", Mode::kMax);
  auto& set = shared<Acknowledged>();
  double inherited = 0;
  double highest = 0;
  for (unsigned round = 0; round < 200; ++round) {
    set = 0;
    const pid_t worker = forked([&] {
      for (std::uint64_t n = 1;; ++n) {
        sum.set(static_cast<double>(n));
        most.set(static_cast<double>(n));
        set = n;
      }
    });
    spin_up_to(std::chrono::microseconds(500));
    killed(worker);
    ASSERT_TRUE(becomes_free(t.file(), 1));
    const Scrape scrape = t.scrape();
    EXPECT_LE(scrape.first_slots(), 1u);
    const double own = scrape.gauge("sum").value_or(0) - inherited;
    const auto last = static_cast<double>(set);
    EXPECT_TRUE(own == last || own == last + 1) << own << " after " << last;
    inherited += own;
    const double top = scrape.gauge("most").value_or(0);
    highest = std::max(highest, last);
    EXPECT_TRUE(top == highest || top == std::max(highest, last + 1)) << top;
    highest = top;
  }
}

}  // namespace
}  // namespace metrics::test
