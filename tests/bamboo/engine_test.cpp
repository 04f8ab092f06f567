// Runs, runtime accesses, claims and the hostname.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/bamboo/engine_segment.h"
#include "tests/support/eventually.h"
#include "tests/support/gate.h"
#include "tests/support/worker.h"

namespace metrics::bamboo::test {
namespace {

using metrics::test::ended;
using metrics::test::forked;
using metrics::test::Gate;

template <Metric M>
concept CanBeTimed = requires(const Engine& engine) {
  engine.runtime<M>();
};
static_assert(CanBeTimed<Metric::kContextValueRead> && CanBeTimed<Metric::kProcessRead>);
static_assert(!CanBeTimed<Metric::kRunningProcesses> && !CanBeTimed<Metric::kNodeExecuteTime> &&
                  !CanBeTimed<Metric::kProcessRunningTime> &&
                  !CanBeTimed<Metric::kExecuteClaimDelay>,
              "what has a scope of its own can't be timed as a read or write");
static_assert(!std::is_copy_constructible_v<Running> && !std::is_move_assignable_v<Running>);

TEST(Engine, HasAllFamiliesAtOnce) {
  EngineSegment t;
  const Engine engine = t.engine();
  const Scrape s = t.scrape();
  EXPECT_EQ(s.family_count(), kMetricCount);
  for (const Row& row : kCatalogue) {
    EXPECT_EQ(s.has(row.name, {kHostname}), row.labels == Labels::kHost) << row.name;
  }
}

TEST(Engine, ARunIsRunningAndThenTimed) {
  EngineSegment t;
  const Engine engine = t.engine();
  {
    const Running run = engine.process_run();
    EXPECT_EQ(t.gauge(Metric::kRunningProcesses), 1);
    EXPECT_EQ(t.gauge(Metric::kRunningSchedules), 0);
    const Running schedule = engine.schedule_run();
    EXPECT_EQ(t.gauge(Metric::kRunningSchedules), 1);
    EXPECT_EQ(t.count(Metric::kProcessRunningTime), 0u);
  }
  EXPECT_EQ(t.gauge(Metric::kRunningProcesses), 0);
  EXPECT_EQ(t.gauge(Metric::kRunningSchedules), 0);
  EXPECT_EQ(t.count(Metric::kProcessRunningTime), 1u);
  EXPECT_EQ(t.count(Metric::kScheduleRunningTime), 1u);
}

TEST(Engine, ARunThatThrowsEndsAsAnyOther) {
  EngineSegment t;
  const Engine engine = t.engine();
  const auto thrown_out = [&] {
    const Running run = engine.process_run();
    const Running schedule = engine.schedule_run();
    throw std::runtime_error("thrown");
  };
  EXPECT_THROW(thrown_out(), std::runtime_error);
  EXPECT_EQ(t.gauge(Metric::kRunningProcesses), 0);
  EXPECT_EQ(t.gauge(Metric::kRunningSchedules), 0);
  EXPECT_EQ(t.count(Metric::kProcessRunningTime), 1u);
  EXPECT_EQ(t.count(Metric::kScheduleRunningTime), 1u);
}

TEST(Engine, ARunThatIsMovedEndsOnce) {
  EngineSegment t;
  const Engine engine = t.engine();
  {
    Running run = engine.process_run();
    const Running moved = std::move(run);
    EXPECT_EQ(t.gauge(Metric::kRunningProcesses), 1);
  }
  EXPECT_EQ(t.gauge(Metric::kRunningProcesses), 0);
  EXPECT_EQ(t.count(Metric::kProcessRunningTime), 1u);
}

TEST(Engine, RunsOfThreadsAndProcessesAreAddedUp) {
  EngineSegment t;
  const Engine engine = t.engine();
  Gate begun, end;
  const auto worker = [&] {
    std::array<std::thread, 3> threads;
    for (std::thread& thread : threads) {
      thread = std::thread([&] {
        const Running run = engine.process_run();
        begun.let_pass();
        end.pass();
      });
    }
    for (std::thread& thread : threads) thread.join();
  };
  const pid_t workers[] = {forked(worker), forked(worker)};
  for (int i = 0; i < 6; ++i) begun.pass();
  EXPECT_EQ(t.gauge(Metric::kRunningProcesses), 6);
  end.let_pass(6);
  for (const pid_t pid : workers) EXPECT_EQ(ended(pid), 0);
  EXPECT_EQ(t.gauge(Metric::kRunningProcesses), 0);
  EXPECT_EQ(t.count(Metric::kProcessRunningTime), 6u);
}

TEST(Engine, AKilledWorkersRunIsNotRunning) {
  EngineSegment t;
  const Engine engine = t.engine();
  Gate begun;
  const pid_t worker = forked([&] {
    { const Running done = engine.process_run(); }
    const Running run = engine.process_run();
    const Running schedule = engine.schedule_run();
    begun.let_pass();
    for (;;) ::pause();
  });
  begun.pass();
  const Running mine = engine.process_run();
  EXPECT_EQ(t.gauge(Metric::kRunningProcesses), 2);
  EXPECT_EQ(t.gauge(Metric::kRunningSchedules), 1);
  metrics::test::killed(worker);
  // The kernel may be late by as long as somebody reads the dead one's /proc.
  EXPECT_TRUE(metrics::test::eventually([&] { return t.gauge(Metric::kRunningProcesses) == 1; }));
  EXPECT_EQ(t.gauge(Metric::kRunningSchedules), 0);
  EXPECT_EQ(t.count(Metric::kProcessRunningTime), 1u) << "what it has counted stays";
}

TEST(Engine, ARunBelongsToTheProcessThatBeganIt) {
  EngineSegment t;
  const Engine engine = t.engine();
  {
    Running run = engine.process_run();
    const pid_t child = forked([&] {
      { const Running own = engine.process_run(); }
      const Running inherited = std::move(run);
    });
    EXPECT_EQ(ended(child), 0);
    EXPECT_EQ(t.gauge(Metric::kRunningProcesses), 1);
  }
  EXPECT_EQ(t.gauge(Metric::kRunningProcesses), 0);
  EXPECT_EQ(t.count(Metric::kProcessRunningTime), 2u);
}

TEST(Engine, TimesEachReadAndWriteInAFamilyOfItsOwn) {
  EngineSegment t;
  const Engine engine = t.engine();
  constexpr auto kFirst = index(Metric::kContextValueRead);
  constexpr auto kLast = index(Metric::kProcessRead);
  const auto time_all = [&]<std::size_t... I>(std::index_sequence<I...>) {
    (static_cast<void>(engine.runtime<static_cast<Metric>(kFirst + I)>()), ...);
  };
  time_all(std::make_index_sequence<kLast - kFirst + 1>{});
  for (const Row& row : kCatalogue) {
    if (row.recorder != Recorder::kRuntime) continue;
    EXPECT_EQ(t.count(row.metric), 1u) << row.name;
  }
  EXPECT_EQ(kLast - kFirst + 1, 19u);
}

TEST(Engine, AReadThatThrowsIsTimed) {
  EngineSegment t;
  const Engine engine = t.engine();
  const auto read = [&] {
    const Timer timer = engine.runtime<Metric::kStateRead>();
    throw std::runtime_error("not found");
  };
  EXPECT_THROW(read(), std::runtime_error);
  EXPECT_EQ(t.count(Metric::kStateRead), 1u);
}

TEST(Engine, ObservesTheDelayOfAClaim) {
  EngineSegment t;
  const Engine engine = t.engine();
  const auto sent = std::chrono::system_clock::now() - std::chrono::seconds(30);
  engine.execute_claimed(sent);
  EXPECT_EQ(t.count(Metric::kExecuteClaimDelay), 1u);
  EXPECT_GE(t.sum(Metric::kExecuteClaimDelay), 30);
  EXPECT_EQ(t.count(Metric::kScheduleClaimDelay), 0u);
  engine.schedule_claimed(sent);
  EXPECT_EQ(t.count(Metric::kScheduleClaimDelay), 1u);
  EXPECT_GE(t.sum(Metric::kScheduleClaimDelay), 30);
}

// The sender's clock is ahead of ours, or ours was stepped back.
TEST(Engine, ADelayBelowZeroNeverTakesTheSumDown) {
  EngineSegment t;
  const Engine engine = t.engine();
  engine.execute_claimed(std::chrono::system_clock::now() - std::chrono::seconds(2));
  const double before = t.sum(Metric::kExecuteClaimDelay);
  engine.execute_claimed(std::chrono::system_clock::now() + std::chrono::hours(1));
  EXPECT_EQ(t.count(Metric::kExecuteClaimDelay), 2u);
  EXPECT_EQ(t.sum(Metric::kExecuteClaimDelay), before);
  EXPECT_EQ(t.scrape().buckets(row_of(Metric::kExecuteClaimDelay).name, {kHostname}).front(), 1u);
}

TEST(Engine, FillsInTheHostsName) {
  EngineSegment t;
  std::array<char, 256> name{};
  ASSERT_EQ(::gethostname(name.data(), name.size() - 1), 0);
  const Engine engine({.segment = t.segment()});
  EXPECT_EQ(engine.hostname(), name.data());
  const pid_t child = forked([&] {
    EXPECT_EQ(engine.hostname(), name.data());
    const Running run = engine.process_run();
  });
  EXPECT_EQ(ended(child), 0);
  EXPECT_EQ(t.scrape().count("engine_process_running_time", {name.data()}), 1u);
}

TEST(Engine, TwoEnginesInOneSegmentCountInTheSameSeries) {
  EngineSegment t;
  const Engine first = t.engine();
  const Engine second = t.engine();
  { const Running run = first.process_run(); }
  { const Running run = second.process_run(); }
  EXPECT_EQ(t.count(Metric::kProcessRunningTime), 2u);
}

TEST(Engine, WithoutASegmentCountsNothingAndRunsOn) {
  EngineSegment t;
  const Segment nowhere(t.directory() + "/missing/segment");
  EXPECT_NE(nowhere.status(), METRICS_OK);
  const Engine engine({.hostname = kHostname, .segment = nowhere});
  const Node node = engine.node(NodeType("EmptyStartEvent"));
  const Running run = engine.process_run();
  const Timer timer = engine.runtime<Metric::kNodeRead>();
  engine.execute_claimed(std::chrono::system_clock::now());
  const auto logic = node.execute().handler_pre_process().logic();
}

}  // namespace
}  // namespace metrics::bamboo::test
