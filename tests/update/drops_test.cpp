// What is dropped is counted by reason, with the time of the first, and for the process that did.
#include "libmetrics/update/drops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>
#include <vector>

#include "libmetrics/format/clock.h"
#include "libmetrics/reader/dropped.h"
#include "libmetrics/reader/reader.h"
#include "tests/support/living.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"

namespace metrics::test {
namespace {

using format::Drop;

// Returns the report on a reason.
reader::DropReport report(const TempSegment& t, Drop reason) {
  reader::Reader reader(t.file());
  EXPECT_TRUE(reader.look()) << reader.why();
  return reader::drop_report(reader).at(static_cast<std::size_t>(reason));
}

// Returns how much the owner of a slot has dropped.
std::uint32_t dropped_in(const TempSegment& t, format::SlotIndex slot) {
  reader::Reader reader(t.file());
  EXPECT_TRUE(reader.look()) << reader.why();
  return reader.heads(slot).at(slot).dropped;
}

// A clock's reading that a drop stores may be some milliseconds old.
constexpr std::uint64_t kCoarseNs = 20'000'000;

TEST(Drops, TheFirstOfAReasonStoresWhenItWasAndLaterOnesLeaveThat) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  EXPECT_EQ(report(t, Drop::kCounterNegative).since_ns, 0u);
  const std::uint64_t before = format::now_ns() - kCoarseNs;
  tasks.inc(-1.0);
  const reader::DropReport first = report(t, Drop::kCounterNegative);
  EXPECT_GE(first.since_ns, before);
  EXPECT_LE(first.since_ns, format::now_ns());
  const std::uint64_t long_ago = 5;
  Patch(t.file()).header().dropped_since[static_cast<std::size_t>(Drop::kCounterNegative)] =
      long_ago;
  tasks.inc(-1.0);
  const reader::DropReport second = report(t, Drop::kCounterNegative);
  EXPECT_EQ(second.count, 2u);
  EXPECT_EQ(second.since_ns, long_ago);
  EXPECT_EQ(report(t, Drop::kObservationNan).since_ns, 0u);
}

TEST(Drops, AFileThatHasNoWordForTheTimeIsCountedIn) {
  TempSegment t;
  Patch patch(t.file());
  patch.header().header_bytes = format::kHeaderBytes20;
  t.counter("tasks").inc(-1.0);
  EXPECT_EQ(report(t, Drop::kCounterNegative).count, 1u);
  for (const format::Cell& since : patch.header().dropped_since) EXPECT_EQ(since.load(), 0u);
}

TEST(Drops, EachProcessHasACountOfItsOwn) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Histogram times = t.histogram("times", {1});
  tasks.inc();
  const Living other([&] {
    tasks.inc();
    tasks.inc(-1.0);
    times.observe(std::nan(""));
  });
  for (int i = 0; i < 5; ++i) tasks.inc(-1.0);
  EXPECT_EQ(dropped_in(t, 1), 5u);
  EXPECT_EQ(dropped_in(t, 2), 2u);
  EXPECT_EQ(report(t, Drop::kCounterNegative).count, 6u);
}

TEST(Drops, ARefusedSeriesIsItsProcesss) {
  TempSegment t;
  const Family<Counter> tasks("tasks", "", {"name"}, {.segment = t.segment(), .max_series = 1});
  for (const char* name : {"a", "b", "c"}) tasks.labels(name).inc();
  EXPECT_EQ(dropped_in(t, 1), 2u);
}

TEST(Drops, AnAdoptersCountBeginsAnew) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  started([&] {
    tasks.inc();
    tasks.inc(-1.0);
    tasks.inc(-1.0);
  });
  EXPECT_EQ(dropped_in(t, 1), 2u);  // the dead one's, until another process has its slot
  tasks.inc();
  EXPECT_EQ(dropped_in(t, 1), 0u);
  tasks.inc(-1.0);
  EXPECT_EQ(dropped_in(t, 1), 1u);
  EXPECT_EQ(report(t, Drop::kCounterNegative).count, 3u);
}

TEST(Drops, AProcessWithoutASlotIsCountedInTheHeaderAlone) {
  TempSegment t({1, 8, 4096, 64 * 1024});
  Counter tasks = t.counter("tasks");
  const Living first([&] { tasks.inc(); });
  tasks.inc();
  tasks.inc(-1.0);
  EXPECT_EQ(report(t, Drop::kCounterNegative).count, 1u);
  EXPECT_EQ(dropped_in(t, 1), 0u);
}

TEST(Drops, ThreadsOfOneProcessLoseNoneOfTheirs) {
  constexpr unsigned kThreads = 8, kEach = 2000;
  TempSegment t;
  Counter tasks = t.counter("tasks");
  started([&] { tasks.inc(-1.0), tasks.inc(); });  // so that the word has another one's count
  tasks.inc();
  Patch patch(t.file());
  for (int round = 0; round < 50; ++round) {
    patch.head(1).dropped = format::dropped_word({1, 7});
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i) {
      threads.emplace_back([tasks]() mutable {
        for (unsigned n = 0; n < kEach / 50; ++n) tasks.inc(-1.0);
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(dropped_in(t, 1), kThreads * kEach / 50) << round;
  }
}

TEST(Drops, ACountAtItsEndStaysThere) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  tasks.inc();
  Patch patch(t.file());
  patch.head(1).dropped = format::dropped_word({1, format::kMostDroppedBy});
  tasks.inc(-1.0);
  EXPECT_EQ(dropped_in(t, 1), format::kMostDroppedBy);
}

}  // namespace
}  // namespace metrics::test
