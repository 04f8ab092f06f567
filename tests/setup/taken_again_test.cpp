// What removed series have taken of a segment is used again, and only where nobody can store there.
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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

// ---- what it must stand: as many rounds as there are, in bounded space and memory ----

enum class Round { kOneLabelSet, kHundredLabelSets, kNewLabelSet };
constexpr int kSets = 100;
constexpr const char* kStates[] = {"even", "odd"};

// Families of all types, in which each round removes what the last one has made.
class Rounds {
 public:
  Rounds(const Segment& segment, Round round)
      : round_(round),
        counter_("requests", "", {"key"}, {.segment = segment}),
        gauge_("load", "", {"key"}, {.mode = Mode::kLiveSum, .segment = segment}),
        histogram_("times", "", {"key"}, {.bounds = {1, 2, 4}, .segment = segment}),
        state_("state", "", {"key"}, {.states = {kStates, kStates + 2}, .segment = segment}),
        facts_("build", "", {.segment = segment}) {}

  void play(int round) const {
    if (round_ == Round::kHundredLabelSets) {
      counter_.clear();
      gauge_.clear();
      histogram_.clear();
      state_.clear();
    } else {
      const std::string last = key(round - 1, 0);
      counter_.remove(last);
      gauge_.remove(last);
      histogram_.remove(last);
      state_.remove(last);
    }
    facts_.clear();
    for (int i = 0; i < sets(); ++i) {
      counter_.labels(key(round, i)).inc(round);
      gauge_.labels(key(round, i)).set(round);
      histogram_.labels(key(round, i)).observe(round);
      state_.labels(key(round, i)).set(round % 2);
    }
    facts_.state({{"round", fact(round)}});
  }
  // What a program does that keeps its handles.
  void update_the_first() const {
    if (!kept_)
      kept_.emplace(
          Kept{counter_.labels(key(0, 0)), gauge_.labels(key(0, 0)), histogram_.labels(key(0, 0))});
    kept_->counter.inc(1'000'000);
    kept_->gauge.set(1'000'000);
    kept_->histogram.observe(3);
  }
  void expect_shown(const Scrape& scrape, int round) const {
    for (const char* name : {"requests", "load", "times"}) {
      EXPECT_EQ(scrape.series_count(name), static_cast<std::size_t>(sets()));
    }
    EXPECT_EQ(scrape.series_count("state"), 2 * static_cast<std::size_t>(sets()));
    for (const reader::Family& f : scrape.families().families) {
      for (const reader::Series& s : f.series) {
        if (f.type != format::Type::kStateSet) continue;
        EXPECT_EQ(scrape.families().gauge(s), s.labels.at(1).value == kStates[round % 2] ? 1 : 0);
      }
    }
    EXPECT_EQ(scrape.series_count("build"), 1u);
    EXPECT_TRUE(scrape.has("build", {fact(round)}));
    for (int i = 0; i < sets(); ++i) {
      EXPECT_EQ(scrape.count("requests", {key(round, i)}), static_cast<std::uint64_t>(round));
      EXPECT_EQ(scrape.count("times", {key(round, i)}), 1u);
      EXPECT_EQ(scrape.sum("times", {key(round, i)}), round);
    }
    for (const auto& [key, value] : scrape.by_first_label("load")) EXPECT_EQ(value, round) << key;
  }

 private:
  struct Kept {
    Counter counter;
    Gauge gauge;
    Histogram histogram;
  };
  int sets() const { return round_ == Round::kHundredLabelSets ? kSets : 1; }
  std::string key(int round, int i) const { return nth(round_ == Round::kNewLabelSet ? round : i); }

  std::string fact(int round) const {
    return nth(round_ == Round::kNewLabelSet ? round : round % 10);
  }

  Round round_;
  Family<Counter> counter_;
  Family<Gauge> gauge_;
  Family<Histogram> histogram_;
  Family<StateSet> state_;
  Family<Info> facts_;
  mutable std::optional<Kept> kept_;
};

// A worker that has looked up the series of the first round, and then only updates them.
class Updater {
 public:
  explicit Updater(const std::function<void()>& update)
      : pid_(forked([&] {
          for (;;) {
            asked_.pass();
            update();
            done_.let_pass();
          }
        })) {}
  Updater(const Updater&) = delete;
  Updater& operator=(const Updater&) = delete;
  ~Updater() { killed(pid_); }
  void update() {
    asked_.let_pass();
    done_.pass();
  }

 private:
  Gate asked_, done_;
  const pid_t pid_;
};

struct RoundsOf {
  const char* name;
  Round round;
  int workers;
};
class InRounds : public ::testing::TestWithParam<RoundsOf> {};
INSTANTIATE_TEST_SUITE_P(
    , InRounds,
    ::testing::Values(RoundsOf{"OneLabelSet", Round::kOneLabelSet, 0},
                      RoundsOf{"OneLabelSetBesideWorkers", Round::kOneLabelSet, 3},
                      RoundsOf{"AHundredLabelSets", Round::kHundredLabelSets, 0},
                      RoundsOf{"AHundredLabelSetsBesideWorkers", Round::kHundredLabelSets, 3},
                      RoundsOf{"ANewLabelSet", Round::kNewLabelSet, 0},
                      RoundsOf{"ANewLabelSetBesideWorkers", Round::kNewLabelSet, 3}),
    [](const auto& test) { return test.param.name; });

TEST_P(InRounds, SpaceAndMemoryAreBoundedAndTheLastValuesShown) {
  const bool many = GetParam().round == Round::kHundredLabelSets;
  const int all = many ? 300 : 10'000;
  constexpr std::size_t kForEach = 64 + 8;  // bytes that may stay of a label set; and malloc's own
  TempSegment t({16, 16, 16 * 1024, 256 * 1024});
  const Rounds rounds(t.segment(), GetParam().round);
  rounds.play(0);
  std::vector<std::unique_ptr<Updater>> workers;
  for (int i = 0; i < GetParam().workers; ++i) {
    workers.push_back(std::make_unique<Updater>([&] { rounds.update_the_first(); }));
    workers.back()->update();
  }
  Used early{};
  std::size_t memory = 0;
  for (int round = 1; round <= all; ++round) {
    rounds.play(round);
    if (round % (all / 20) == 0) {
      for (const auto& worker : workers) worker->update();
    }
    if (round == all / 5) {
      early = used(t);
      memory = ::mallinfo2().uordblks;
    }
  }
  rounds.expect_shown(t.scrape(), all);
  EXPECT_EQ(t.scrape().dropped(format::Drop::kDirectoryFull), 0u);
  EXPECT_EQ(t.scrape().dropped(format::Drop::kCellsFull), 0u);
  // A chain that meets a label set for the first time gets a record.
  const Used late = used(t);
  const bool is_new = GetParam().round == Round::kNewLabelSet;
  EXPECT_LE(late.directory, early.directory * (is_new ? 2 : 1));
  EXPECT_LE(late.cells, early.cells * (is_new ? 2 : 1));
  const std::size_t grown = ::mallinfo2().uordblks - memory;
  const std::size_t stays = is_new ? 4 * kForEach * static_cast<std::size_t>(all - all / 5) : 0;
  EXPECT_LE(static_cast<std::ptrdiff_t>(grown), static_cast<std::ptrdiff_t>(stays + 64 * 1024));
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

TEST(TakenAgain, WhatALivingProcessHasLookedUpIsNotUsedByAnother) {
  TempSegment t;
  const Counter stays = t.counter("stays");
  const Family<Counter> tasks("tasks", "", {"id"}, t.options());
  stays.inc();
  Gate made, made_again;
  const pid_t other = forked([&] {
    stays.inc();
    tasks.labels("before").inc();
    tasks.remove("before");  // from here on, what is registered is younger than its slot's handles
    const Counter task = tasks.labels("a");
    task.inc();
    made.let_pass();
    made_again.pass();
    task.inc(1000);
  });
  made.pass();
  tasks.remove("a");
  tasks.labels("a").inc(2);
  made_again.let_pass();
  EXPECT_EQ(ended(other), 0);
  EXPECT_EQ(t.scrape().count("tasks", {"a"}), 2u);
}

// The second update is a signal handler's, in a segment where the thread has no slot yet: it must
// not tell that the thread is outside of the first one.
TEST(TakenAgain, AnUpdateInWhichAThreadMakesAnotherFirstOneIsWaitedFor) {
  TempSegment t, other;
  const Counter elsewhere = other.counter("elsewhere");
  metrics_family* tasks = nullptr;
  const char* const labels[] = {"id"};
  const char* const values[] = {"a"};
  ASSERT_EQ(metrics_family_of(t.segment().get(), METRICS_COUNTER, "tasks", "", labels, 1, nullptr,
                              &tasks),
            METRICS_OK);
  const auto again = [&](std::uint64_t count) {
    metrics_counter* counter = nullptr;
    metrics_remove(tasks, values, 1);
    metrics_counter_labels(tasks, values, 1, &counter);
    metrics_counter_inc(counter, count);
    return counter;
  };
  const metrics_counter* const first = again(1);
  Gate in_update, removed, interrupted, taken;
  std::thread thread([&] {
    metrics_counter_inc(first, 1);
    std::uint64_t* const cells = metrics_hot_first(&first->place);  // as an inlined update begins
    in_update.let_pass();
    removed.pass();
    elsewhere.inc();
    interrupted.let_pass();
    taken.pass();
    metrics_hot_count(cells, 1000);
  });
  in_update.pass();
  again(2);
  removed.let_pass();
  interrupted.pass();
  again(3);
  taken.let_pass();
  thread.join();
  EXPECT_EQ(t.scrape().count("tasks", {"a"}), 3u);
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
