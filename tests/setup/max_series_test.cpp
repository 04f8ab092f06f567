// A family with a limit of series counts beyond it in one series more, and never gets more than
// that, whoever asks, and whoever is killed.
#include "libmetrics/setup/max_series.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "libmetrics/format/records.h"
#include "libmetrics/reader/merge.h"
#include "libmetrics/update/locked.h"
#include "libmetrics/update/process.h"
#include "tests/support/gate.h"
#include "tests/support/living.h"
#include "tests/support/patch.h"
#include "tests/support/shared_memory.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

const std::string kBeyond(format::kOverflowValue);

std::string nth(unsigned i) { return "value " + std::to_string(i); }

// Returns the lines that the library logs while the body runs.
template <class Body>
std::vector<std::string> logged(Body body) {
  static std::vector<std::string> lines;
  lines.clear();
  metrics_set_log([](metrics_status, const char* text, void*) { lines.emplace_back(text); },
                  nullptr);
  body();
  metrics_set_log(nullptr, nullptr);
  return lines;
}

template <class Metric = Counter>
Family<Metric> limited(const TempSegment& t, const std::string& name, std::uint32_t most,
                       const LabelNames& labels = {"path"}) {
  typename Metric::Options options{.segment = t.segment()};
  options.max_series = most;
  return Family<Metric>(name, "", labels, options);
}

TEST(MaxSeries, CountsBeyondItInOneSeriesMore) {
  TempSegment t;
  const auto tasks = limited(t, "tasks", 3, {"path", "host"});
  for (unsigned i = 0; i < 10; ++i) tasks.labels(nth(i), "a").inc(i + 1);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.series_count("tasks"), 3u + 1);
  for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(scrape.count("tasks", {nth(i), "a"}), i + 1);
  EXPECT_EQ(scrape.count("tasks", {kBeyond, kBeyond}), 4u + 5 + 6 + 7 + 8 + 9 + 10);
  EXPECT_EQ(tasks.status(), METRICS_OK);
}

TEST(MaxSeries, CountsBeyondItForHistogramsAndSummariesToo) {
  TempSegment t;
  const auto times = limited<Histogram>(t, "times", 1);
  const auto sizes = limited<Summary>(t, "sizes", 1);
  for (unsigned i = 0; i < 4; ++i) {
    times.labels(nth(i)).observe(2);
    sizes.labels(nth(i)).observe(3);
  }
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("times", {kBeyond}), 3u);
  EXPECT_EQ(scrape.sum("times", {kBeyond}), 6);
  EXPECT_EQ(scrape.count("sizes", {kBeyond}), 3u);
  EXPECT_EQ(scrape.sum("sizes", {kBeyond}), 9);
}

// A sum of unlike gauges would be a lie.
TEST(MaxSeries, OfGaugesAndInfosRefusesWhatIsBeyond) {
  TempSegment t;
  Family<Gauge> load("load", "", {"path"},
                     {.mode = Mode::kSum, .segment = t.segment(), .max_series = 2});
  const Family<Info> build("build", "", {.segment = t.segment(), .max_series = 1});
  for (unsigned i = 0; i < 4; ++i) load.labels(nth(i)).set(i + 1);
  EXPECT_STREQ(metrics_last_error(),
               "\"load\" has as many series as it may have, 2 (max_series): series with other "
               "label values count nothing; use fewer label values, remove() what is done with, or "
               "create the segment anew with a larger max_series or METRICS_MAX_SERIES");
  build.state({{"version", "1"}});
  build.state({{"version", "2"}});
  EXPECT_EQ(t.scrape().by_first_label("load"),
            (std::map<std::string, double>{{nth(0), 1}, {nth(1), 2}}));
  EXPECT_TRUE(t.scrape().has("build", {"1"}));
  EXPECT_EQ(t.scrape().series_count("build"), 1u);
  EXPECT_EQ(t.scrape().dropped(format::Drop::kLimit), 3u);
}

TEST(MaxSeries, ShowsTheSeriesBeyondItOnceItHasCounted) {
  TempSegment t;
  const auto tasks = limited(t, "tasks", 1);
  reader::SegmentMerge merge(t.file());
  const auto shown = [&] {
    EXPECT_TRUE(merge.read()) << merge.why();
    return merge.families().families.at(0).series.size();
  };
  EXPECT_EQ(shown(), 0u);
  tasks.labels("a").inc();
  EXPECT_EQ(shown(), 1u);
  tasks.labels("b");
  EXPECT_EQ(shown(), 1u);
  tasks.labels("c").inc(0.5);
  EXPECT_EQ(shown(), 2u);
  EXPECT_EQ(t.scrape().dropped(format::Drop::kLimit), 2u);
}

TEST(MaxSeries, FindsBeyondItWhatOthersHaveRegistered) {
  TempSegment t;
  const auto tasks = limited(t, "tasks", 2);
  started([&] {
    tasks.labels("a").inc(10);
    tasks.labels("\xe9").inc(20);  // stands in the segment as U+FFFD
  });
  tasks.labels("b").inc(1);
  tasks.labels("a").inc(2);
  tasks.labels("\xe9").inc(3);
  tasks.labels("\xef\xbf\xbd").inc(4);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks", {"a"}), 12u);
  EXPECT_EQ(scrape.count("tasks", {"\xef\xbf\xbd"}), 27u);
  EXPECT_EQ(scrape.count("tasks", {kBeyond}), 1u);
}

TEST(MaxSeries, GivesRoomAgainForWhatIsRemoved) {
  TempSegment t;
  const auto tasks = limited(t, "tasks", 2);
  for (unsigned round = 0; round < 5; ++round) {
    const unsigned first = round * 10;
    for (unsigned i = 0; i < 3; ++i) tasks.labels(nth(first + i)).inc();
    EXPECT_EQ(t.scrape().count("tasks", {kBeyond}), 2 * round + 1);
    tasks.remove(nth(first));
    tasks.remove(nth(first));  // is gone, and gives no second place
    tasks.labels(nth(first + 4)).inc();
    tasks.labels(nth(first + 5)).inc();
    EXPECT_EQ(t.scrape().series_count("tasks"), 2u + 1);
    tasks.clear();
    EXPECT_EQ(t.scrape().series_count("tasks"), 0u + 1);
  }
}

// It must be there when it is needed, and nobody knows whose counts it holds.
TEST(MaxSeries, KeepsTheSeriesBeyondItWhenSeriesAreRemoved) {
  TempSegment t;
  const auto tasks = limited(t, "tasks", 1);
  tasks.labels("a").inc(1);
  const Counter beyond = tasks.labels("b");
  beyond.inc(2);
  tasks.remove(kBeyond);
  tasks.clear();
  started([&] { limited(t, "tasks", 1).clear(); });
  beyond.inc(3);
  tasks.labels("a").inc(4);
  tasks.labels("b").inc(5);
  tasks.labels(kBeyond).inc(6);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks", {kBeyond}), 2u + 3 + 5 + 6);
  EXPECT_EQ(scrape.count("tasks", {"a"}), 4u);
}

TEST(MaxSeries, IsTheOneThatTheFirstProcessHasGiven) {
  TempSegment t;
  started([&] { limited(t, "tasks", 2); });
  const auto lines = logged([&] {
    for (int i = 0; i < 2; ++i) limited(t, "tasks", 5);
    limited(t, "others", 0);
    limited(t, "others", 7);
  });
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "\"tasks\" keeps at most 2 series in " + t.file() +
                          ", as the first process has defined it there; create the segment anew "
                          "for at most 5 series");
  EXPECT_NE(lines[1].find("\"others\" keeps no limit"), std::string::npos) << lines[1];
  const Family<Counter> tasks("tasks", "", {"path"}, t.options());
  for (unsigned i = 0; i < 4; ++i) tasks.labels(nth(i)).inc();
  EXPECT_EQ(t.scrape().series_count("tasks"), 2u + 1);
}

TEST(MaxSeries, IsLoggedOnceWhenItIsReached) {
  TempSegment t;
  const auto tasks = limited(t, "tasks", 1);
  const auto lines = logged([&] {
    for (unsigned i = 0; i < 4; ++i) tasks.labels(nth(i)).inc();
  });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("\"tasks\" has as many series as it may have, 1 (max_series): what has "
                          "other label values is counted in the series whose label values are "
                          "__overflow__"),
            std::string::npos)
      << lines[0];
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.usage().refusals[std::size_t(format::Drop::kLimit)].family, "tasks");
}

// A look-up waits for no thread that registers: strangers choose the label values.
TEST(MaxSeries, TakesNoMutexBeyondIt) {
  TempSegment t;
  const auto tasks = limited(t, "tasks", 1);
  tasks.labels("a").inc();
  Gate held, done;
  std::thread other([&] {
    const update::Locked lock(update::process().mutex);
    held.let_pass();
    EXPECT_TRUE(done.try_pass());
  });
  held.pass();
  for (unsigned i = 0; i < 100; ++i) tasks.labels(nth(i)).inc();
  done.let_pass();
  other.join();
  EXPECT_EQ(t.scrape().count("tasks", {kBeyond}), 100u);
}

TEST(MaxSeries, CountsBeyondItWhereTheSegmentIsFull) {
  TempSegment t({8, 8, 64, 64 * 1024});
  const auto tasks = limited(t, "tasks", 1000);
  const auto lines = logged([&] {
    for (unsigned i = 0; i < 100; ++i) tasks.labels(nth(i)).inc();
  });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("the cells of "), std::string::npos) << lines[0];
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.sum_of_counts("tasks"), 100u);
  EXPECT_GT(scrape.count("tasks", {kBeyond}), 60u);
  EXPECT_EQ(scrape.dropped(format::Drop::kCellsFull), scrape.count("tasks", {kBeyond}));
  EXPECT_EQ(scrape.dropped(format::Drop::kLimit), 0u);
}

TEST(MaxSeries, OfAnotherEditionIsCountedByItself) {
  TempSegment t;
  const auto tasks = limited(t, "tasks", 1);
  const auto finer = limited(t, "tasks", 2, {"path", "host"});
  for (unsigned i = 0; i < 4; ++i) {
    tasks.labels(nth(i)).inc();
    finer.labels(nth(i), "a").inc();
  }
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.series_count("tasks"), 1u + 1 + 2 + 1);
  EXPECT_EQ(scrape.sum_of_counts("tasks"), 8u);
}

// Programs of version 2.0 join such a file, and count no series.
TEST(MaxSeries, IsNoneInAFileOfTheFirstVersion) {
  TempSegment t;
  Patch(t.file()).header().features = 0;
  Patch(t.file()).header().writer_features = 0;
  Patch(t.file()).header().minor = 0;
  const auto tasks = limited(t, "tasks", 1);
  for (unsigned i = 0; i < 4; ++i) tasks.labels(nth(i)).inc();
  tasks.clear();
  for (unsigned i = 0; i < 4; ++i) tasks.labels(nth(i)).inc();
  EXPECT_EQ(t.scrape().series_count("tasks"), 4u);
  EXPECT_EQ(Patch(t.file()).family("tasks").max_series, 0u);
  EXPECT_EQ(Patch(t.file()).family("tasks").series_used.load(), 0u);
}

// ---- from outside ----

format::Definition named(format::Type type, const std::string& name) {
  return {type, name, {}, {}, {}, {}, {}};
}

TEST(MaxSeriesRules, MatchTheNameInAnExpositionFirstRuleFirst) {
  const setup::MaxSeries limits(" http_*=5000, other_total = 100 ,x=0,*=7\n");
  EXPECT_TRUE(limits.faults().empty());
  EXPECT_EQ(limits.of(named(format::Type::kHistogram, "http_seconds")), 5000u);
  EXPECT_EQ(limits.of(named(format::Type::kCounter, "other")), 100u);
  EXPECT_EQ(limits.of(named(format::Type::kGauge, "other")), 7u);
  EXPECT_EQ(limits.of(named(format::Type::kGauge, "x")), 0u);
  EXPECT_EQ(setup::MaxSeries("http_*=5").of(named(format::Type::kGauge, "load")), std::nullopt);
}

TEST(MaxSeriesRules, ThatCanNotBeParsedAreDescribed) {
  const setup::MaxSeries limits("a=1,b,=3,c=,d=-1,e=4294967296,f=5x,g=4294967295");
  const std::string end = "; write PATTERN=NUMBER, e.g. \"http_*=5000\"";
  const std::string number = "\" is ignored: it has no whole number below 2^32";
  EXPECT_EQ(
      limits.faults(),
      (std::vector<std::string>{
          "METRICS_MAX_SERIES: \"b\" is ignored: it has no '='" + end,
          "METRICS_MAX_SERIES: \"=3\" is ignored: it has no pattern of family names" + end,
          "METRICS_MAX_SERIES: \"c=" + number + end, "METRICS_MAX_SERIES: \"d=-1" + number + end,
          "METRICS_MAX_SERIES: \"e=4294967296" + number + end,
          "METRICS_MAX_SERIES: \"f=5x" + number + end}));
  EXPECT_EQ(limits.of(named(format::Type::kGauge, "a")), 1u);
  EXPECT_EQ(limits.of(named(format::Type::kGauge, "g")), 4294967295u);
}

TEST(MaxSeries, OfTheEnvironmentWinsOverTheProgram) {
  TempSegment t;
  ::setenv("METRICS_MAX_SERIES", "tasks_total=2,nonsense,free_*=0", 1);
  const auto lines = logged([&] {
    limited(t, "tasks", 1);
    limited(t, "free", 1);
    limited(t, "others", 1);
  });
  ::unsetenv("METRICS_MAX_SERIES");
  ASSERT_EQ(lines.size(), 1u) << "one bad rule";
  EXPECT_NE(lines[0].find("\"nonsense\" is ignored"), std::string::npos) << lines[0];
  for (const char* name : {"tasks", "free", "others"}) {
    const Family<Counter> family(name, "", {"path"}, t.options());
    for (unsigned i = 0; i < 5; ++i) family.labels(nth(i)).inc();
  }
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.series_count("tasks"), 2u + 1);
  EXPECT_EQ(scrape.series_count("free"), 5u);
  EXPECT_EQ(scrape.series_count("others"), 1u + 1);
}

// ---- many processes ----

// Runs the body in that many processes, which have a family of that limit and begin at one moment,
// and waits for them.
template <class Body>
void all_at_once(const TempSegment& t, unsigned count, unsigned most, Body body) {
  auto& ready = shared<std::atomic<unsigned>>();
  std::vector<pid_t> workers;
  for (unsigned worker = 0; worker < count; ++worker) {
    workers.push_back(forked([&, worker] {
      const auto tasks = limited(t, "tasks", most);
      ++ready;
      while (ready < count) std::this_thread::yield();
      body(tasks, worker);
    }));
  }
  for (const pid_t worker : workers) EXPECT_EQ(ended(worker), 0);
}

TEST(MaxSeries, IsExactForManyProcessesAndLosesNothing) {
  constexpr unsigned kWorkers = 64;
  constexpr unsigned kLabelSets = 10'000;
  constexpr unsigned kMost = 1000;
  TempSegment t({64, 64, 16 * 1024, 1 << 20});
  all_at_once(t, kWorkers, kMost, [](const Family<Counter>& tasks, unsigned worker) {
    const unsigned first = worker % 2 == 0 ? 0 : worker * kLabelSets;  // half fight for the same
    for (unsigned i = 0; i < kLabelSets; ++i) tasks.labels(nth(first + i)).inc();
  });
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.series_count("tasks"), kMost + 1);
  EXPECT_EQ(scrape.sum_of_counts("tasks"), std::uint64_t{kWorkers} * kLabelSets);
}

// Two that register one series, and two that remove it: one of them counts.
TEST(MaxSeries, CountsExactlyTheSeriesThatAreThereWhereNobodyIsKilled) {
  constexpr unsigned kWorkers = 8;
  TempSegment t({64, 64, 64 * 1024, 8 << 20});
  all_at_once(t, kWorkers, 1'000'000, [](const Family<Counter>& tasks, unsigned worker) {
    std::mt19937 own(worker);
    for (unsigned i = 0; i < 5000; ++i) {
      const std::string name = nth(std::uniform_int_distribution<unsigned>(0, 3)(own));
      tasks.labels(name).inc();
      tasks.remove(name);
    }
    tasks.labels(nth(worker)).inc();
  });
  const std::uint64_t live = t.scrape().series_count("tasks");
  EXPECT_GE(live, 4u);
  EXPECT_EQ(Patch(t.file()).family("tasks").series_used.load(), live);
}

std::size_t shown_within(const Scrape& scrape) {
  return scrape.series_count("tasks") - (scrape.has("tasks", {kBeyond}) ? 1 : 0);
}

// Each kill may hit between the count and the series, on either side.
void fight(bool removing, unsigned rounds) {
  constexpr unsigned kWorkers = 8;
  constexpr unsigned kLabelSets = 400;
  constexpr unsigned kMost = 100;
  std::mt19937 random(20240229);
  TempSegment t({64, 64, 64 * 1024, 8 << 20});
  unsigned kills = 0;
  std::uint64_t live = 0;
  for (unsigned round = 0; round < rounds; ++round) {
    std::vector<pid_t> workers;
    for (unsigned worker = 0; worker < kWorkers; ++worker) {
      workers.push_back(forked([&, worker] {
        const auto tasks = limited(t, "tasks", kMost);
        std::mt19937 own(round * kWorkers + worker);
        const auto any_of = [&](unsigned count) {
          return std::uniform_int_distribution<unsigned>(0, count - 1)(own);
        };
        for (;;) {
          const std::string name = nth(any_of(kLabelSets));
          tasks.labels(name).inc();
          if (removing && any_of(2) == 0) tasks.remove(nth(any_of(kLabelSets)));
        }
      }));
    }
    const auto until = std::chrono::steady_clock::now() +
                       std::chrono::microseconds(std::uniform_int_distribution(500, 6000)(random));
    while (std::chrono::steady_clock::now() < until) {
    }
    for (const pid_t worker : workers) killed(worker);
    kills += kWorkers;
    live = shown_within(t.scrape());
    ASSERT_LE(live, kMost) << "round " << round;
    ASSERT_GE(Patch(t.file()).family("tasks").series_used.load(), live) << "round " << round;
  }
  const auto tasks = limited(t, "tasks", kMost);
  for (unsigned i = 0; i < kLabelSets; ++i) tasks.labels(nth(i)).inc();
  live = shown_within(t.scrape());
  EXPECT_LE(live, kMost);
  EXPECT_GE(live + kills, kMost);
  if (!removing) {
    EXPECT_GE(live, kMost - 8u) << "a kill costs one at most, and few can hit";
  }
}

TEST(MaxSeries, IsNeverExceededByProcessesThatFightAndAreKilled) { fight(false, 60); }
TEST(MaxSeries, IsNeverExceededByProcessesThatRemoveAndAreKilled) { fight(true, 60); }

}  // namespace
}  // namespace metrics::test
