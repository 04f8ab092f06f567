// A node's five steps: each that was begun is observed once, however it is left, and no other order
// compiles.
#include <gtest/gtest.h>

#include <stdexcept>
#include <type_traits>
#include <utility>

#include "tests/bamboo/engine_segment.h"
#include "tests/support/worker.h"

namespace metrics::bamboo::test {
namespace {

using metrics::test::ended;
using metrics::test::forked;

const NodeType kService("ServiceActivity", "hash_v1");

// What there is to do in a step.
template <class S>
concept HasHandlerPreProcess = requires(S step) {
  std::move(step).handler_pre_process();
};
template <class S>
concept HasLogic = requires(S step) {
  std::move(step).logic();
};
template <class S>
concept HasHandlerPostProcess = requires(S step) {
  std::move(step).handler_post_process(Outcome::kSucceeded);
};
template <class S>
concept HasPostProcess = requires(S step) {
  std::move(step).post_process();
};
template <class S>
concept CanBeKept = requires(S& step) {
  step.logic();
}
|| requires(S& step) { step.handler_pre_process(); }
|| requires(S& step) { step.handler_post_process(Outcome::kSucceeded); }
|| requires(S& step) { step.post_process(); };

template <Call C>
constexpr bool only_the_order_compiles() {
  using One = NodeStep<C, Step::kPreProcess>;
  using Two = NodeStep<C, Step::kHandlerPreProcess>;
  using Three = NodeStep<C, Step::kLogic>;
  using Four = NodeStep<C, Step::kHandlerPostProcess>;
  using Five = NodeStep<C, Step::kPostProcess>;
  static_assert(HasHandlerPreProcess<One> && !HasLogic<One> && !HasHandlerPostProcess<One> &&
                !HasPostProcess<One>);
  static_assert(!HasHandlerPreProcess<Two> && HasLogic<Two> && !HasHandlerPostProcess<Two> &&
                HasPostProcess<Two>);
  static_assert(!HasHandlerPreProcess<Three> && !HasLogic<Three> && HasHandlerPostProcess<Three> &&
                    !HasPostProcess<Three>,
                "logic is left with an outcome only");
  static_assert(!HasHandlerPreProcess<Four> && !HasLogic<Four> && !HasHandlerPostProcess<Four> &&
                HasPostProcess<Four>);
  static_assert(!HasHandlerPreProcess<Five> && !HasLogic<Five> && !HasHandlerPostProcess<Five> &&
                !HasPostProcess<Five>);
  static_assert(!CanBeKept<One> && !CanBeKept<Two> && !CanBeKept<Three> && !CanBeKept<Four> &&
                    !CanBeKept<Five>,
                "a step is given up for the next one");
  static_assert(!std::is_copy_constructible_v<Three> && !std::is_default_constructible_v<Three> &&
                    !std::is_move_assignable_v<Three>,
                "two scopes would time one step");
  return true;
}
static_assert(only_the_order_compiles<Call::kExecute>());
static_assert(only_the_order_compiles<Call::kSchedule>());
static_assert(!std::is_convertible_v<ExecuteStep<Step::kLogic>, ScheduleStep<Step::kLogic>>);

class Steps : public ::testing::Test {
 protected:
  Recorded executed() const { return t.recorded(Call::kExecute, kService); }
  Recorded scheduled() const { return t.recorded(Call::kSchedule, kService); }

  EngineSegment t;
  const Engine engine = t.engine();
  const Node node = engine.node(kService);
};

const Recorded kNothing = {{0, 0, 0, 0, 0}, 0, 0};

// All five steps, the logic with that outcome; thrown out of after `last`.
template <class First>
void walk(First first, Outcome outcome, int last = 5) {
  const auto leave_after = [last](int step) {
    if (step == last) throw std::runtime_error("thrown");
  };
  leave_after(1);
  auto handler_pre = std::move(first).handler_pre_process();
  leave_after(2);
  auto logic = std::move(handler_pre).logic();
  leave_after(3);
  auto handler_post = std::move(logic).handler_post_process(outcome);
  leave_after(4);
  const auto post = std::move(handler_post).post_process();
}

TEST_F(Steps, AreEachObservedOnce) {
  walk(node.execute(), Outcome::kSucceeded);
  EXPECT_EQ(executed(), (Recorded{{1, 1, 1, 1, 1}, 0, 0}));
  EXPECT_EQ(scheduled(), kNothing);
  walk(node.schedule(), Outcome::kSucceeded);
  walk(node.schedule(), Outcome::kSucceeded);
  EXPECT_EQ(executed(), (Recorded{{1, 1, 1, 1, 1}, 0, 0}));
  EXPECT_EQ(scheduled(), (Recorded{{2, 2, 2, 2, 2}, 0, 0}));
}

TEST_F(Steps, AFailureIsCounted) {
  walk(node.execute(), Outcome::kFailed);
  EXPECT_EQ(executed(), (Recorded{{1, 1, 1, 1, 1}, 1, 0}));
  walk(node.schedule(), Outcome::kFailed);
  EXPECT_EQ(scheduled(), (Recorded{{1, 1, 1, 1, 1}, 1, 0}));
}

TEST_F(Steps, AnExceptionThatWasCaughtIsAFailureToo) {
  walk(node.execute(), Outcome::kException);
  EXPECT_EQ(executed(), (Recorded{{1, 1, 1, 1, 1}, 1, 1}));
}

TEST_F(Steps, AnExceptionEndsTheStepThatItLeaves) {
  EXPECT_THROW(walk(node.execute(), Outcome::kSucceeded, 1), std::runtime_error);
  EXPECT_EQ(executed(), (Recorded{{1, 0, 0, 0, 0}, 0, 0}));
  EXPECT_THROW(walk(node.execute(), Outcome::kSucceeded, 2), std::runtime_error);
  EXPECT_EQ(executed(), (Recorded{{2, 1, 0, 0, 0}, 0, 0}));
  EXPECT_THROW(walk(node.execute(), Outcome::kSucceeded, 4), std::runtime_error);
  EXPECT_EQ(executed(), (Recorded{{3, 2, 1, 1, 0}, 0, 0}));
}

TEST_F(Steps, AnExceptionThatLeavesTheLogicIsCounted) {
  EXPECT_THROW(walk(node.execute(), Outcome::kSucceeded, 3), std::runtime_error);
  EXPECT_EQ(executed(), (Recorded{{1, 1, 1, 0, 0}, 1, 1}));
  EXPECT_THROW(walk(node.schedule(), Outcome::kSucceeded, 3), std::runtime_error);
  EXPECT_EQ(scheduled(), (Recorded{{1, 1, 1, 0, 0}, 1, 1}));
}

// In a destructor that runs while another exception is under way.
TEST_F(Steps, LogicThatRunsDuringAnotherExceptionIsJudgedByItsOwn) {
  struct Cleanup {
    ~Cleanup() { const auto logic = node.execute().handler_pre_process().logic(); }
    const Node& node;
  };
  const auto unwound = [this] {
    const Cleanup cleanup{node};
    throw std::runtime_error("thrown");
  };
  EXPECT_THROW(unwound(), std::runtime_error);
  EXPECT_EQ(executed(), (Recorded{{1, 1, 1, 0, 0}, 1, 0}));
}

TEST_F(Steps, AnEarlyReturnEndsTheStepThatItLeaves) {
  [this] {
    auto pre = node.execute();
    return;
  }();
  EXPECT_EQ(executed(), (Recorded{{1, 0, 0, 0, 0}, 0, 0}));
  [this] {
    auto pre = node.execute();
    auto handler_pre = std::move(pre).handler_pre_process();
    return;
  }();
  EXPECT_EQ(executed(), (Recorded{{2, 1, 0, 0, 0}, 0, 0}));
}

TEST_F(Steps, LogicThatIsLeftWithoutAnOutcomeHasFailed) {
  [this] {
    auto logic = node.execute().handler_pre_process().logic();
    return;
  }();
  EXPECT_EQ(executed(), (Recorded{{1, 1, 1, 0, 0}, 1, 0}));
}

TEST_F(Steps, AHandlerMayGiveUpBeforeTheLogic) {
  { const auto post = node.execute().handler_pre_process().post_process(); }
  EXPECT_EQ(executed(), (Recorded{{1, 1, 0, 0, 1}, 0, 0}));
}

TEST_F(Steps, ANextStepBeginsWhenTheLastOneEnds) {
  const auto begun = std::chrono::steady_clock::now();
  walk(node.execute(), Outcome::kSucceeded);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
  double sum = 0;
  for (const Metric m : metrics_of(Call::kExecute).steps) {
    const bool by_code = row_of(m).labels == Labels::kCodeAndHost;
    const double step =
        t.scrape().sum(row_of(m).name, {by_code ? kService.code : kService.type, kHostname});
    EXPECT_GT(step, 0);
    sum += step;
  }
  EXPECT_LE(sum, taken.count());
}

TEST_F(Steps, AStepThatWasGivenUpRecordsNothing) {
  auto pre = node.execute();
  auto moved = std::move(pre);
  { const auto again = std::move(pre).handler_pre_process(); }  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(executed(), kNothing);
  { const auto last = std::move(moved); }
  EXPECT_EQ(executed(), (Recorded{{1, 0, 0, 0, 0}, 0, 0}));
}

TEST_F(Steps, OfNodesThatAreNoServiceHaveTheTypesNameAsCode) {
  const NodeType gateway("ExclusiveGateway");
  EXPECT_EQ(gateway.code, "exclusive_gateway");
  walk(engine.node(gateway).execute(), Outcome::kSucceeded);
  EXPECT_EQ(t.recorded(Call::kExecute, gateway), (Recorded{{1, 1, 1, 1, 1}, 0, 0}));
  EXPECT_EQ(t.scrape().count("engine_node_execute_time", {"exclusive_gateway", kHostname}), 1u);
  EXPECT_EQ(
      t.scrape().count("engine_execute_pre_process_duration", {"ExclusiveGateway", kHostname}), 1u);
}

TEST_F(Steps, AreCountedInForkedChildren) {
  const pid_t child = forked([&] { walk(node.execute(), Outcome::kFailed); });
  EXPECT_EQ(ended(child), 0);
  walk(node.execute(), Outcome::kSucceeded);
  EXPECT_EQ(executed(), (Recorded{{2, 2, 2, 2, 2}, 1, 0}));
}

// A node's logic that forks, and whose child comes back through the engine's scopes.
TEST_F(Steps, BelongToTheProcessThatBeganThem) {
  walk(node.execute(), Outcome::kSucceeded);
  {
    auto logic = node.execute().handler_pre_process().logic();
    const pid_t child = forked([&] {
      walk(node.schedule(), Outcome::kSucceeded);  // its own
      const auto post = std::move(logic).handler_post_process(Outcome::kException).post_process();
    });
    EXPECT_EQ(ended(child), 0);
    const auto post = std::move(logic).handler_post_process(Outcome::kSucceeded).post_process();
  }
  EXPECT_EQ(executed(), (Recorded{{2, 2, 2, 2, 2}, 0, 0}));
  EXPECT_EQ(scheduled(), (Recorded{{1, 1, 1, 1, 1}, 0, 0}));
}

}  // namespace
}  // namespace metrics::bamboo::test
