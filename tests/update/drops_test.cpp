// What is dropped is counted by reason, with the time of the first, and for the process that did.
#include "libmetrics/update/drops.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <string>
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

// Expects that the last one for that reason was this process's, after that time, of that family;
// and that the family's record says so.
void expect_last(const TempSegment& t, Drop reason, const std::string& family,
                 std::uint64_t after) {
  const std::string_view word = format::kDropReasons.at(static_cast<std::size_t>(reason)).reason;
  reader::Reader reader(t.file());
  ASSERT_TRUE(reader.look()) << reader.why();
  const auto told = reader::drop_report(reader).at(static_cast<std::size_t>(reason));
  EXPECT_GT(told.count, 0u) << word;
  EXPECT_EQ(told.last.family, family) << word;
  EXPECT_EQ(told.last.pid, static_cast<std::uint64_t>(::getpid())) << word;
  EXPECT_GE(told.last.when_ns, after) << word;
  EXPECT_LE(told.last.when_ns, format::now_ns()) << word;
  EXPECT_FALSE(told.now) << word << ": nobody can tell";
  const auto all = reader::refused_families(reader, reason);
  if (family.empty()) {
    EXPECT_TRUE(all.empty()) << word;
  } else {
    EXPECT_EQ(all, std::vector<std::string_view>{family}) << word;
  }
}

TEST(Drops, OfUpdatesAndExemplarsTheLastIsKnownWithItsFamilyProcessAndTime) {
  TempSegment t;
  t.counter("other").inc();
  const std::uint64_t before = format::now_ns();
  const Family<Counter> tasks("tasks", "", {}, {.segment = t.segment(), .exemplars = true});
  tasks.inc(-1.0);
  expect_last(t, Drop::kCounterNegative, "tasks", before);
  t.histogram("times", {1}).observe(std::nan(""));
  expect_last(t, Drop::kObservationNan, "times", before);
  const Family<StateSet> phase("phase", "", {}, {.states = {"a", "b"}, .segment = t.segment()});
  phase.set("c");
  expect_last(t, Drop::kStateUnknown, "phase", before);
  tasks.inc(1, {{"no name", "a"}});
  expect_last(t, Drop::kExemplarInvalid, "tasks", before);
  t.histogram("sizes", {1}).observe(1, {{"trace_id", "a"}});
  expect_last(t, Drop::kExemplarUnplaced, "sizes", before);
}

TEST(Drops, OfAProcessWithoutASlotTheLastIsKnownTooAndTheClaimsIsOfNoFamily) {
  TempSegment t({1, 8, 4096, 64 * 1024});
  const Counter tasks = t.counter("tasks");
  const Gauge load = t.gauge("load", Mode::kLiveSum);
  const Living first([&] { tasks.inc(); });
  const std::uint64_t before = format::now_ns();
  load.set(1);
  expect_last(t, Drop::kSlotsExhausted, "", before);
  expect_last(t, Drop::kGaugeWithoutSlot, "load", before);
}

TEST(Drops, ARemovedSeriesHandleNamesNoFamilyAndCountsNothing) {
  TempSegment t;
  const Family<Counter> tasks("tasks", "", {"name"}, t.options());
  const Counter gone = tasks.labels("a");
  gone.inc();
  tasks.remove("a");
  gone.inc(-1.0);
  EXPECT_EQ(report(t, Drop::kCounterNegative).count, 0u);
  EXPECT_EQ(report(t, Drop::kCounterNegative).last.when_ns, 0u);
}

TEST(Drops, ADamagedFamilysIsCountedWithoutAName) {
  TempSegment t;
  const Counter tasks = t.counter("tasks");
  tasks.inc();
  Patch patch(t.file());
  patch.family("tasks").bound_count = ~std::uint32_t{0};
  tasks.inc(-1.0);
  EXPECT_EQ(report(t, Drop::kCounterNegative).last.family, "");
  patch.family("tasks").bound_count = 0;
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{12}, ~std::uint64_t{7}}) {
    patch.series("tasks").family = offset;
    const std::uint64_t before = report(t, Drop::kCounterNegative).count;
    tasks.inc(-1.0);
    EXPECT_EQ(report(t, Drop::kCounterNegative).count, before + 1) << offset;
    EXPECT_EQ(report(t, Drop::kCounterNegative).last.family, "") << offset;
  }
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
