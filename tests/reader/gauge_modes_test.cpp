// Gauges of many processes become one sample in client_python's ten ways, whoever lives, dies and
// is adopted.
#include <gtest/gtest.h>
#include <signal.h>

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libmetrics/format/gauge_value.h"
#include "libmetrics/reader/merge.h"
#include "tests/support/eventually.h"
#include "tests/support/forged_segment.h"
#include "tests/support/gate.h"
#include "tests/support/shared_memory.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

// A worker that owns a slot and sets the gauge when it is told.
class Setter {
 public:
  Setter(Counter tasks, Gauge gauge) {
    auto& value = value_;
    pid_ = forked([&, tasks, gauge]() mutable {
      tasks.inc();
      done_.let_pass();
      for (;;) {
        go_.pass();
        gauge.set(value);
        done_.let_pass();
      }
    });
    done_.pass();
  }
  void set(double value) {
    value_ = value;
    go_.let_pass();
    done_.pass();
  }
  std::string pid() const { return std::to_string(pid_); }
  void kill() { killed(pid_); }

 private:
  double& value_ = shared<double>();
  Gate go_;
  Gate done_;
  pid_t pid_;
};

using Value = std::optional<double>;
constexpr Value kNone = std::nullopt;

// What each moment of the story below shows in the modes that make one sample.
struct Story {
  const char* name;
  Mode mode;
  Value two_alive, one_killed, adopted_unset, adopter_sets_4, sets_2, sets_9, all_killed;
};

void PrintTo(const Story& story, std::ostream* out) { *out << story.name; }

class OneSample : public ::testing::TestWithParam<Story> {};

TEST_P(OneSample, ShowsWhatItsModeSaysWhileOwnersLiveDieAndAreAdopted) {
  const Story& story = GetParam();
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gauge gauge = t.gauge("load", story.mode);
  const auto shown = [&] { return t.scrape().gauge("load"); };
  Setter a(tasks, gauge);
  auto b = std::make_unique<Setter>(tasks, gauge);
  Setter never(tasks, gauge);  // unset: no mode may take it for a 0
  a.set(3);
  b->set(5);
  EXPECT_EQ(shown(), story.two_alive);
  b->kill();
  ASSERT_TRUE(becomes_free(t.file(), 2));
  EXPECT_EQ(shown(), story.one_killed);
  Setter d(tasks, gauge);
  ASSERT_EQ(t.scrape().heads().at(2).generation, 2u) << "the adopter has another slot";
  EXPECT_EQ(shown(), story.adopted_unset);
  d.set(4);
  EXPECT_EQ(shown(), story.adopter_sets_4);
  d.set(2);
  EXPECT_EQ(shown(), story.sets_2);
  d.set(9);
  EXPECT_EQ(shown(), story.sets_9);
  a.kill();
  d.kill();
  never.kill();
  EXPECT_TRUE(eventually([&] { return shown() == story.all_killed; })) << shown().value_or(-1);
}

INSTANTIATE_TEST_SUITE_P(
    Gauges, OneSample,
    ::testing::Values(Story{"sum", Mode::kSum, 8, 8, 8, 12, 10, 17, 17},
                      Story{"livesum", Mode::kLiveSum, 8, 3, 3, 7, 5, 12, 0},
                      Story{"min", Mode::kMin, 3, 3, 3, 3, 2, 3, 3},
                      Story{"livemin", Mode::kLiveMin, 3, 3, 3, 3, 2, 3, kNone},
                      Story{"max", Mode::kMax, 5, 5, 5, 5, 5, 9, 9},
                      Story{"livemax", Mode::kLiveMax, 5, 3, 3, 4, 3, 9, kNone},
                      Story{"mostrecent", Mode::kMostRecent, 5, 5, 5, 4, 2, 9, 9},
                      Story{"livemostrecent", Mode::kLiveMostRecent, 5, 3, 3, 4, 2, 9, kNone}),
    [](const auto& story) { return std::string(story.param.name); });

using ByPid = std::map<std::string, double>;

TEST(Gauges, AllHasASampleOfEachProcessUntilItsSlotIsAdopted) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gauge gauge = t.gauge("load", Mode::kAll);
  Setter a(tasks, gauge);
  Setter b(tasks, gauge);
  a.set(3);
  b.set(5);
  EXPECT_EQ(t.scrape().by_pid("load"), (ByPid{{a.pid(), 3}, {b.pid(), 5}}));
  b.kill();
  ASSERT_TRUE(becomes_free(t.file(), 2));
  EXPECT_EQ(t.scrape().by_pid("load"), (ByPid{{a.pid(), 3}, {b.pid(), 5}}));
  Setter d(tasks, gauge);
  EXPECT_EQ(t.scrape().by_pid("load"), (ByPid{{a.pid(), 3}}));
  d.set(4);
  EXPECT_EQ(t.scrape().by_pid("load"), (ByPid{{a.pid(), 3}, {d.pid(), 4}}));
  a.kill();
  d.kill();
  EXPECT_EQ(t.scrape().by_pid("load"), (ByPid{{a.pid(), 3}, {d.pid(), 4}}));
}

TEST(Gauges, LiveAllHasASampleOfEachLivingProcess) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gauge gauge = t.gauge("load", Mode::kLiveAll);
  Setter a(tasks, gauge);
  Setter b(tasks, gauge);
  a.set(3);
  b.set(5);
  EXPECT_EQ(t.scrape().by_pid("load"), (ByPid{{a.pid(), 3}, {b.pid(), 5}}));
  b.kill();
  EXPECT_TRUE(eventually([&] { return t.scrape().by_pid("load") == ByPid{{a.pid(), 3}}; }));
  Setter d(tasks, gauge);
  EXPECT_EQ(t.scrape().by_pid("load"), (ByPid{{a.pid(), 3}}));
  d.set(4);
  EXPECT_EQ(t.scrape().by_pid("load"), (ByPid{{a.pid(), 3}, {d.pid(), 4}}));
  a.kill();
  d.kill();
  EXPECT_TRUE(eventually([&] { return t.scrape().by_pid("load").empty(); }));
}

// Pids come back: of two processes with one pid, both have samples.
TEST(Gauges, ProcessesOfOnePidHaveTheirSlotsNumberBehindIt) {
  TempPath t;
  ForgedSegment forged({sizeof(metrics_geometry), 4, 1, 512, 4096});
  const auto family = forged.family({format::Type::kGauge, "load", "", "", {"n"}, {}});
  forged.series(family, {"a"}, 0, format::kGaugeCells);
  forged.series(family, {"b"}, format::kGaugeCells, format::kGaugeCells);
  forged.write(t.file());
  forged.write_owners(t.file(), 4, 77);
  const auto set = [&](format::SlotIndex slot, std::uint64_t cell, double value) {
    forged.write_cells(t.file(), slot, cell,
                       std::vector<std::uint64_t>{1, format::encode_gauge(value), 0});
  };
  for (const format::SlotIndex slot : {1u, 3u, 4u}) set(slot, 0, slot);
  for (const format::SlotIndex slot : {2u, 4u}) set(slot, format::kGaugeCells, slot);
  reader::SegmentMerge merge(t.file());
  ASSERT_TRUE(merge.read()) << merge.why();
  std::map<std::vector<std::string>, double> shown;
  for (const reader::Series& s : merge.families().families.at(0).series) {
    shown[{s.labels.at(0).value, s.labels.at(1).value}] = merge.families().gauge(s);
  }
  EXPECT_EQ(shown, (std::map<std::vector<std::string>, double>{{{"a", "77"}, 1},
                                                               {{"a", "77-3"}, 3},
                                                               {{"a", "77-4"}, 4},
                                                               {{"b", "77"}, 2},
                                                               {{"b", "77-4"}, 4}}));
}

}  // namespace
}  // namespace metrics::test
