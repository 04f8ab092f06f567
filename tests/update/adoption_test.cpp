// Counts stay where they are; the next worker that needs a slot adopts a dead one's and counts on
// top of it.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <vector>

#include "libmetrics/format/layout.h"
#include "libmetrics/update/claims.h"
#include "tests/support/gate.h"
#include "tests/support/patch.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

TEST(Slots, CountsOfAKilledWorkerSurviveIt) {
  TempSegment t;
  const pid_t worker = forked([&] {
    t.counter("tasks").inc(3);
    t.histogram("times", {1, 2}).observe(1.5);
    ::raise(SIGKILL);
  });
  EXPECT_EQ(ended(worker), 128 + SIGKILL);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 3u);
  EXPECT_EQ(scrape.buckets("times"), (std::vector<std::uint64_t>{0, 1, 0}));
  EXPECT_EQ(scrape.sum("times"), 1.5);
}

TEST(Slots, TheNextWorkerCountsOnTopOfADeadOnes) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  for (unsigned i = 1; i <= 5; ++i) {
    EXPECT_EQ(ended(forked([&] { tasks.inc(i); })), 0);
    ASSERT_TRUE(becomes_free(t.file(), 1));
    const Scrape scrape = t.scrape();
    EXPECT_EQ(scrape.first_slots(), 1u);
    EXPECT_EQ(scrape.heads().at(1).generation, i);
    EXPECT_EQ(scrape.in_slot(1, "tasks"), i * (i + 1) / 2);
  }
}

TEST(Slots, AThousandShortLivedWorkersEightAtATimeUseEightSlots) {
  constexpr unsigned kAtATime = 8;
  constexpr unsigned kWaves = 125;
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Histogram times = t.histogram("times", {1, 2});
  Gate counted;
  Gate end;
  for (unsigned wave = 0; wave < kWaves; ++wave) {
    std::vector<pid_t> workers;
    for (unsigned i = 0; i < kAtATime; ++i) {
      workers.push_back(forked([&] {
        tasks.inc(3);
        times.observe(i % 2 == 0 ? 0.5 : 4);
        counted.let_pass();
        end.pass();
        tasks.inc(2);
      }));
    }
    for (unsigned i = 0; i < kAtATime; ++i) counted.pass();
    end.let_pass(kAtATime);
    for (const pid_t worker : workers) ASSERT_EQ(ended(worker), 0);
  }
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 5u * kAtATime * kWaves);
  EXPECT_EQ(scrape.buckets("times"), (std::vector<std::uint64_t>{500, 0, 500}));
  EXPECT_EQ(scrape.sum("times"), 500 * 0.5 + 500 * 4);
  EXPECT_GE(scrape.first_slots(), kAtATime);
  EXPECT_LE(scrape.first_slots(), kAtATime + 1);  // a dead one's lock may be late to go
  EXPECT_EQ(scrape.lanes(), 0u);
}

TEST(Slots, ALivingWorkersSlotIsNeverAdopted) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gate counted;
  Gate end;
  const pid_t living = forked([&] {
    tasks.inc();
    counted.let_pass();
    end.pass();
    tasks.inc();
  });
  counted.pass();
  for (unsigned i = 0; i < 20; ++i) {
    EXPECT_EQ(ended(forked([&] { tasks.inc(10); })), 0);
    ASSERT_TRUE(becomes_free(t.file(), 2));
  }
  end.let_pass();
  EXPECT_EQ(ended(living), 0);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.heads().at(1).pid, static_cast<std::uint64_t>(living));
  EXPECT_EQ(scrape.heads().at(1).generation, 1u);
  EXPECT_EQ(scrape.in_slot(1, "tasks"), 2u);
  EXPECT_EQ(scrape.in_slot(2, "tasks"), 200u);
  EXPECT_EQ(scrape.heads().at(2).generation, 20u);
  EXPECT_EQ(scrape.first_slots(), 2u);
}

// Eight processes that claim at the same moment, again and again: no two may get one slot.
TEST(Slots, WorkersThatClaimAtOnceGetDifferentSlots) {
  constexpr unsigned kAtOnce = 8;
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gate go;
  Gate counted;
  Gate end;
  for (unsigned round = 1; round <= 20; ++round) {
    std::vector<pid_t> workers;
    for (unsigned i = 0; i < kAtOnce; ++i) {
      workers.push_back(forked([&] {
        go.pass();
        for (unsigned n = 0; n < 5000; ++n) tasks.inc();
        counted.let_pass();
        end.pass();
      }));
    }
    go.let_pass(kAtOnce);
    for (unsigned i = 0; i < kAtOnce; ++i) counted.pass();
    for (format::SlotIndex slot = 1; slot <= kAtOnce; ++slot) {
      EXPECT_EQ(owner_of(t.file(), slot).state, format::Ownership::State::kOwned);
    }
    end.let_pass(kAtOnce);
    for (const pid_t worker : workers) ASSERT_EQ(ended(worker), 0);
    ASSERT_EQ(t.scraped("tasks"), round * kAtOnce * 5000u);
  }
}

TEST(Slots, GenerationsBeginAgainAtOne) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  EXPECT_EQ(ended(forked([&] { tasks.inc(); })), 0);
  ASSERT_TRUE(becomes_free(t.file(), 1));
  Patch(t.file()).head(1).generation.store(format::kMaxGeneration);
  EXPECT_EQ(ended(forked([&] {
              tasks.inc();
              EXPECT_EQ(owner_of(t.file(), 1).generation, 1u);
            })),
            0);
  EXPECT_EQ(t.scrape().heads().at(1).generation, 1u);
  EXPECT_EQ(t.scraped("tasks"), 2u);
}

TEST(Slots, TheHighestGenerationFitsItsRange) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  EXPECT_EQ(ended(forked([&] { tasks.inc(); })), 0);
  ASSERT_TRUE(becomes_free(t.file(), 1));
  Patch(t.file()).head(1).generation.store(format::kMaxGeneration - 1);
  tasks.inc();
  EXPECT_EQ(owner_of(t.file(), 1).generation, format::kMaxGeneration);
  EXPECT_EQ(owner_of(t.file(), 2).state, format::Ownership::State::kFree);
  EXPECT_EQ(ended(forked([&] { tasks.inc(); })), 0);
  EXPECT_EQ(t.scrape().first_slots(), 2u);
}

}  // namespace
}  // namespace metrics::test
