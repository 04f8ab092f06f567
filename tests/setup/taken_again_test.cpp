// What removed series have taken of a segment is used again, and only where nobody can store there.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/gate.h"
#include "tests/support/living.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

// Rounds enough to fill the segment several times, were nothing used again.
constexpr int kRounds = 3000;

struct Used {
  std::uint64_t directory, cells;
  friend bool operator==(const Used&, const Used&) = default;
};
Used used(const TempSegment& t) {
  const reader::Usage usage = t.scrape().usage();
  return {usage.directory_used, usage.cells_used};
}

std::string nth(int i) { return "value " + std::to_string(i); }

TEST(TakenAgain, OneLabelSetRemovedAndMadeAgainTakesNothingMore) {
  TempSegment t;
  const Family<Counter> tasks("tasks", "", {"type"}, t.options());
  Used first{};
  for (int round = 1; round <= kRounds; ++round) {
    tasks.labels("image").inc(round);
    if (round == 10) first = used(t);
    if (round % 500 == 0) {
      EXPECT_EQ(t.scrape().count("tasks", {"image"}), static_cast<std::uint64_t>(round));
    }
    if (round < kRounds) tasks.remove("image");
  }
  EXPECT_EQ(used(t), first);
}

TEST(TakenAgain, ManyLabelSetsClearedAndMadeAgainTakeNothingMore) {
  TempSegment t({64, 64, 4096, 128 * 1024});
  const Family<Histogram> times("times", "", {"type"}, t.options());
  const Family<Gauge> load("load", "", {"type"}, {.mode = Mode::kSum, .segment = t.segment()});
  Used first{};
  for (int round = 1; round <= 200; ++round) {
    times.clear();
    load.clear();
    for (int i = 0; i < 100; ++i) {
      times.labels(nth(i)).observe(round);
      load.labels(nth(i)).set(round);
    }
    if (round == 2) first = used(t);
  }
  EXPECT_EQ(used(t), first);
  const Scrape scrape = t.scrape();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(scrape.count("times", {nth(i)}), 1u);
    EXPECT_EQ(scrape.sum("times", {nth(i)}), 200);
  }
  for (const auto& [label, value] : scrape.by_first_label("load")) EXPECT_EQ(value, 200) << label;
  EXPECT_EQ(scrape.series_count("load"), 100u);
}

TEST(TakenAgain, ANewLabelSetEachRoundFillsNothing) {
  TempSegment t;
  const Family<Counter> tasks("tasks", "", {"id"}, t.options());
  for (int round = 0; round < 5 * kRounds; ++round) {
    const Counter task = tasks.labels(nth(round));
    task.inc(round);
    ASSERT_EQ(tasks.status(), METRICS_OK);
    if (round % 1000 == 0) {
      EXPECT_EQ(t.scrape().count("tasks", {nth(round)}), static_cast<std::uint64_t>(round));
      EXPECT_EQ(t.scrape().series_count("tasks"), 1u);
    }
    tasks.remove(nth(round));
  }
  EXPECT_EQ(t.scrape().dropped(format::Drop::kDirectoryFull), 0u);
  EXPECT_EQ(t.scrape().dropped(format::Drop::kCellsFull), 0u);
}

// A process whose children count, too, and are always some: each has the handles of its parent, and
// so of the series that its parent removes next, but of none that was removed before it began.
TEST(TakenAgain, AProcessWithChildrenThatUpdateTakesNothingMore) {
  TempSegment t;
  const Counter stays = t.counter("stays");
  const Family<Counter> tasks("tasks", "", {"id"}, t.options());
  std::optional<Living> child;
  Used first{};
  for (int round = 1; round <= 100; ++round) {
    tasks.labels("a").inc(round);
    child.emplace([&] { stays.inc(); });
    tasks.remove("a");
    if (round == 5) first = used(t);
  }
  EXPECT_EQ(used(t), first);
  EXPECT_EQ(t.scraped("stays"), 100u);
}

// What it would store there otherwise is another series'.
TEST(TakenAgain, AChildHoldsBackWhatIsRemovedAfterItsFirstUpdate) {
  TempSegment t;
  const Counter stays = t.counter("stays");
  const Family<Counter> tasks("tasks", "", {"id"}, t.options());
  const Counter inherited = tasks.labels("a");
  inherited.inc();
  Gate begun, made_again;
  const pid_t child = forked([&] {
    stays.inc();
    begun.let_pass();
    made_again.pass();
    inherited.inc(1000);
  });
  begun.pass();
  tasks.remove("a");
  tasks.labels("a").inc(2);
  made_again.let_pass();
  EXPECT_EQ(ended(child), 0);
  EXPECT_EQ(t.scrape().count("tasks", {"a"}), 2u);
}

// A child finds out at its first update that the gauge was removed; until then it has what its
// parent had.
TEST(TakenAgain, AChildsFirstUpdateOfARemovedGaugeDoesNotSetTheNewOne) {
  TempSegment t;
  const Family<Gauge> load("load", "", {"key"}, {.mode = Mode::kLiveSum, .segment = t.segment()});
  const Gauge inherited = load.labels("a");
  inherited.set(1);
  Gate made_again, done;
  const pid_t child = forked([&] {
    made_again.pass();
    inherited.set(1000);
    done.let_pass();
    inherited.inc(1000);
  });
  load.remove("a");
  load.labels("a").set(2);
  made_again.let_pass();
  done.pass();
  EXPECT_EQ(t.scrape().by_first_label("load"), (std::map<std::string, double>{{"a", 2}}));
  EXPECT_EQ(ended(child), 0);
  EXPECT_EQ(t.scrape().by_first_label("load"), (std::map<std::string, double>{{"a", 2}}));
}

}  // namespace
}  // namespace metrics::test
