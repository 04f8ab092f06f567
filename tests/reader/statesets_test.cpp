// A state set is a gauge whose value is a state: what is shown of the processes' states.
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "libmetrics/format/gauge_value.h"
#include "libmetrics/reader/merge.h"
#include "libmetrics/reader/verify.h"
#include "tests/support/eventually.h"
#include "tests/support/forged_segment.h"
#include "tests/support/living.h"
#include "tests/support/temp_segment.h"

namespace metrics::test {
namespace {

using Shown = std::map<std::string, double>;
const std::vector<std::string> kStates = {"idle", "busy", "stuck"};

Family<StateSet> worker_state(const TempSegment& t, Mode mode,
                              std::vector<std::string> states = kStates) {
  return {"worker_state", "What it does.", {}, {std::move(states), mode, t.segment()}};
}
// Returns the samples by state.
Shown shown(const TempSegment& t) { return t.scrape().by_first_label("worker_state"); }

const Shown kInIdle = {{"idle", 1}, {"busy", 0}, {"stuck", 0}};
const Shown kInBusy = {{"idle", 0}, {"busy", 1}, {"stuck", 0}};

TEST(StateSets, ShowTheStateThatALivingProcessHasSetLast) {
  TempSegment t;
  EXPECT_EQ(Family<StateSet>("worker_state", "", {}, {.states = kStates, .segment = t.segment()})
                .status(),
            METRICS_OK);
  EXPECT_TRUE(shown(t).empty());
  Living old([&] { worker_state(t, Mode::kLiveMostRecent).set("idle"); });
  EXPECT_EQ(shown(t), kInIdle);
  Living young([&] { worker_state(t, Mode::kLiveMostRecent).set(1); });
  EXPECT_EQ(shown(t), kInBusy);
  EXPECT_EQ(t.scrape().families().families.at(0).type, format::Type::kStateSet);
  young.kill();
  EXPECT_TRUE(eventually([&] { return shown(t) == kInIdle; }));
  old.end();
  EXPECT_TRUE(eventually([&] { return shown(t).empty(); }));
}

TEST(StateSets, OfModeMostRecentKeepTheStateOfADeadProcess) {
  TempSegment t;
  started([&] { worker_state(t, Mode::kMostRecent).set("busy"); });
  EXPECT_EQ(shown(t), kInBusy);
  Living successor([&] { t.counter("tasks").inc(); });  // adopts the slot
  EXPECT_EQ(shown(t), kInBusy);
  EXPECT_EQ(t.scrape().first_slots(), 1u);
}

TEST(StateSets, OfModeLiveSumAreGaugesThatCountTheLivingProcessesInEachState) {
  TempSegment t;
  const auto states = worker_state(t, Mode::kLiveSum);
  EXPECT_EQ(shown(t), (Shown{{"idle", 0}, {"busy", 0}, {"stuck", 0}}));
  Living a([&] { states.set("busy"); });
  Living b([&] {
    states.set("idle");
    states.set("busy");
  });
  Living c([&] { states.set("idle"); });
  EXPECT_EQ(shown(t), (Shown{{"idle", 1}, {"busy", 2}, {"stuck", 0}}));
  EXPECT_EQ(t.scrape().families().families.at(0).type, format::Type::kGauge);
  b.kill();
  EXPECT_TRUE(eventually([&] {
    return shown(t) == (Shown{{"idle", 1}, {"busy", 1}, {"stuck", 0}});
  }));
}

TEST(StateSets, OfModeAllShowTheStateOfEachProcess) {
  for (const Mode mode : {Mode::kAll, Mode::kLiveAll}) {
    TempSegment t;
    Living a([&] { worker_state(t, mode).set("idle"); });
    Living b([&] { worker_state(t, mode).set("stuck"); });
    const auto of = [&](const Living& worker, const char* state) {
      return t.scrape().has("worker_state", {state, std::to_string(worker.pid())});
    };
    EXPECT_TRUE(of(a, "idle") && of(a, "busy") && of(b, "stuck"));
    EXPECT_EQ(t.scrape().series_count("worker_state"), 6u);
    a.kill();
    if (mode == Mode::kAll) {
      EXPECT_EQ(t.scrape().series_count("worker_state"), 6u);
    } else {
      EXPECT_TRUE(eventually([&] { return t.scrape().series_count("worker_state") == 3; }));
    }
  }
}

TEST(StateSets, OfForkedChildrenBeginWithoutAState) {
  TempSegment t;
  const auto states = worker_state(t, Mode::kLiveSum);
  states.set("busy");
  EXPECT_EQ(states.state(), 1u);
  Living child([&] {
    EXPECT_EQ(states.state(), std::nullopt);
    t.counter("tasks").inc();
    EXPECT_EQ(states.state(), std::nullopt);
    states.set("stuck");
  });
  EXPECT_EQ(shown(t), (Shown{{"idle", 0}, {"busy", 1}, {"stuck", 1}}));
}

TEST(StateSets, IgnoreAndCountStatesThatTheFamilyDoesNotHave) {
  TempSegment t;
  const auto states = worker_state(t, Mode::kLiveSum);
  states.set("idle");
  enum class State { kIdle, kBusy, kStuck, kLost };
  states.set(State::kBusy);
  EXPECT_EQ(states.state(), 1u);
  states.set(State::kLost);
  states.set(-1);
  states.set("buzy");
  states.set(std::string("busy "));
  EXPECT_EQ(states.state(), 1u);
  EXPECT_EQ(t.scrape().dropped(format::Drop::kStateUnknown), 4u);
  StateSet().set("idle");  // does nothing
}

TEST(StateSets, WithLabelsHaveEachStateOnce) {
  TempSegment t;
  const Family<StateSet> doors(
      "door", "", {"floor"},
      {.states = {"open", "shut"}, .mode = Mode::kMostRecent, .segment = t.segment()});
  doors.labels("1").set("open");
  doors.labels(2).set("shut");
  const Scrape scrape = t.scrape();
  const auto& series = scrape.families().families.at(0).series;
  ASSERT_EQ(series.size(), 4u);
  EXPECT_EQ(series[0].labels, (std::vector<reader::Label>{{"floor", "1"}, {"door", "open"}}));
  EXPECT_EQ(series[3].labels, (std::vector<reader::Label>{{"floor", "2"}, {"door", "shut"}}));
  EXPECT_EQ(scrape.families().gauge(series[0]), 1);
  EXPECT_EQ(scrape.families().gauge(series[1]), 0);
  doors.remove("1");
  EXPECT_EQ(t.scrape().series_count("door"), 2u);
}

// As gauges do; the handle that another process keeps sets nothing that anybody reads.
TEST(StateSets, ThatAreMadeAgainTakeTheirRecordAtOnce) {
  TempSegment t;
  const Family<StateSet> task("task", "", {"id"},
                              {.states = {"new", "done"}, .segment = t.segment()});
  Gate set, has_set, end;
  const pid_t other = forked([&] {
    const StateSet kept = task.labels("1");
    kept.set("done");
    has_set.let_pass();
    set.pass();
    kept.set("done");
    has_set.let_pass();
    end.pass();
  });
  has_set.pass();
  task.labels("1").set("done");
  const std::uint64_t used = t.scrape().usage().directory_used;
  for (int round = 0; round < 100; ++round) {
    task.clear();
    EXPECT_EQ(t.scrape().series_count("task"), 0u);
    const StateSet again = task.labels("1");
    EXPECT_EQ(again.state(), std::nullopt);
    again.set("new");
    EXPECT_EQ(t.scrape().series_count("task"), 2u);
  }
  set.let_pass();
  has_set.pass();  // and lives, with its value of the former life
  const Scrape scrape = t.scrape();
  const auto& series = scrape.families().families.at(0).series;
  ASSERT_EQ(series.size(), 2u);
  EXPECT_EQ(scrape.families().gauge(series[0]), 1);
  EXPECT_EQ(scrape.usage().directory_used, used);
  end.let_pass();
  EXPECT_EQ(ended(other), 0);
}

// Other states are another edition. A state is known by its name, whatever its index.
TEST(StateSets, OfSeveralEditionsShowTheStatesOfAll) {
  TempSegment t;
  Living old([&] { worker_state(t, Mode::kLiveSum, {"idle", "busy"}).set("busy"); });
  EXPECT_EQ(shown(t), (Shown{{"idle", 0}, {"busy", 1}}));
  Living young([&] { worker_state(t, Mode::kLiveSum, {"busy", "waiting"}).set("waiting"); });
  Living same([&] { worker_state(t, Mode::kLiveSum, {"busy", "waiting"}).set("busy"); });
  EXPECT_EQ(shown(t), (Shown{{"busy", 2}, {"waiting", 1}, {"idle", 0}}));
  EXPECT_EQ(t.scrape().families().families.at(0).series.at(0).labels.at(0).value, "busy");
  old.kill();
  EXPECT_TRUE(eventually([&] { return shown(t).at("busy") == 1; }));
}

// What a dead process has left in an edition that is not the last one would stay forever.
TEST(StateSets, OfAnOlderEditionCountOnlyWhileTheirProcessesLive) {
  TempSegment t;
  started([&] { worker_state(t, Mode::kMostRecent, {"idle", "busy"}).set("busy"); });
  EXPECT_EQ(shown(t), (Shown{{"idle", 0}, {"busy", 1}}));
  started([&] { worker_state(t, Mode::kMostRecent); });
  EXPECT_TRUE(eventually([&] { return shown(t).empty(); }));
}

// A process that has both editions is in one state: that of the last one.
TEST(StateSets, CountAProcessOnce) {
  TempSegment t;
  Living both([&] {
    worker_state(t, Mode::kLiveSum, {"idle", "busy"}).set("busy");
    worker_state(t, Mode::kLiveSum, {"busy", "idle"}).set("idle");
  });
  started([&] { worker_state(t, Mode::kLiveSum, {"idle", "busy"}); });  // the last one again
  EXPECT_EQ(shown(t), (Shown{{"idle", 0}, {"busy", 1}}));
}

TEST(StateSets, CollideWithAGaugeOfTheirName) {
  TempSegment t;
  started([&] { t.gauge("worker_state", Mode::kSum).set(3); });
  Living newer([&] { worker_state(t, Mode::kMostRecent).set("idle"); });
  EXPECT_EQ(shown(t), kInIdle);
}

TEST(StateSets, RefuseWhatIsNoState) {
  TempSegment t;
  EXPECT_THROW(worker_state(t, Mode::kSum), std::invalid_argument);
  EXPECT_THROW(worker_state(t, Mode::kLiveMax), std::invalid_argument);
  EXPECT_THROW(worker_state(t, Mode::kAll, {}), std::invalid_argument);
}

TEST(StateSets, ThatAreForgedShowOnlyStatesThatThereAre) {
  TempPath t;
  ForgedSegment forged({sizeof(metrics_geometry), 4, 1, 512, 4096});
  format::Definition definition{format::Type::kStateSet, "x", "", "", {}, {}, {}};
  definition.mode = format::Mode::kAll;
  definition.states = {"a", "b"};
  forged.series(forged.family(definition), {}, 0, format::kGaugeCells);
  forged.write(t.file());
  forged.write_owners(t.file(), 4);
  const auto set = [&](format::SlotIndex slot, double value) {
    forged.write_cells(t.file(), slot, 0,
                       std::vector<std::uint64_t>{1, format::encode_gauge(value), 0});
  };
  set(1, 1);
  set(2, 2);
  set(3, 0.5);
  set(4, -1);
  reader::SegmentMerge merge(t.file());
  ASSERT_TRUE(merge.read()) << merge.why();
  EXPECT_EQ(merge.families().families.at(0).series.size(), 2u);  // of slot 1
  reader::Reader reader(t.file());
  std::vector<std::string> faults = reader::verify(reader);
  std::erase_if(faults, [](const std::string& f) {
    return f.find("holds a state that its family does not have") == std::string::npos;
  });
  EXPECT_EQ(faults.size(), 3u);
}

}  // namespace
}  // namespace metrics::test
