// steps.hpp -- the five steps of a node's execute or schedule. Each is a scope, timed however the
// program leaves it.
//
//   pre-process -> handler pre-process -> logic -> handler post-process -> post-process
//
// Each step is an object of a type of its own. The only way to go on is to give it up for the next
// one, so steps that are left out, swapped or taken twice don't compile. A handler, for example,
// does steps 2 to 4:
//
//   Post execute(Runtime& runtime, ExecuteStep<Step::kHandlerPreProcess> step) {
//     Inputs inputs = hydrate(runtime);
//     auto logic = std::move(step).logic();
//     Outcome outcome = Outcome::kException;
//     try {
//       outcome = service.execute(inputs) ? Outcome::kSucceeded : Outcome::kFailed;
//     } catch (const std::exception& e) { inputs.failed(e.what()); }
//     auto post = std::move(logic).handler_post_process(outcome);
//     ...
//
// The end of a step, be it the next step, a `return` or an exception, observes its seconds once. A
// step that was given up (moved from) does nothing more, in its destructor or otherwise. Fork:
// steps belong to the process that began them. A child that inherits some and leaves their scopes
// records nothing. Threads: a step is for one thread at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

#include "metrics/bamboo/catalogue.hpp"
#include "metrics/hot.h"
#include "metrics/metrics.hpp"

namespace metrics::bamboo {

enum class Call : std::uint8_t { kExecute, kSchedule };

enum class Step : std::uint8_t {
  kPreProcess,
  kHandlerPreProcess,
  kLogic,
  kHandlerPostProcess,
  kPostProcess,
};
inline constexpr std::size_t kStepCount = 5;

// How a node's logic ended. An exception is a failure too, and is counted as both.
enum class Outcome : std::uint8_t { kSucceeded, kFailed, kException };

// The metrics of a call: one for each step, in their order, and those that count its failures.
struct CallMetrics {
  std::array<Metric, kStepCount> steps;
  Metric failed, exception;
};
constexpr CallMetrics metrics_of(Call call) noexcept {
  using enum Metric;
  return call == Call::kExecute
             ? CallMetrics{{kExecutePreProcess, kNodeExecutePreProcess, kNodeExecuteTime,
                            kNodeExecutePostProcess, kExecutePostProcess},
                           kExecuteFailed,
                           kExecuteException}
             : CallMetrics{{kSchedulePreProcess, kNodeSchedulePreProcess, kNodeScheduleTime,
                            kNodeSchedulePostProcess, kSchedulePostProcess},
                           kScheduleFailed,
                           kScheduleException};
}

namespace detail {

struct CallHandles {
  std::array<Histogram, kStepCount> steps;
  Counter failed, exception;
};

// The process in which the object was made. Until a process has counted anything it has no epoch,
// and is_here() can't distinguish its children from it.
class Birthplace {
 public:
  bool is_here() const noexcept { return epoch_ == 0 || epoch_ == now(); }

 private:
  static std::uint64_t now() noexcept {
    return __atomic_load_n(&metrics_process->epoch, __ATOMIC_RELAXED);
  }
  std::uint64_t epoch_ = now();
};

// The state that each step passes to the next.
struct Clock {
  using time_point = std::chrono::steady_clock::time_point;

  // Observes the seconds of the step that began at `begun`, and begins the next one at its end.
  void lap(Step step) noexcept {
    const time_point now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> taken = now - begun;
    handles.steps[static_cast<std::size_t>(step)].observe(taken.count());
    begun = now;
  }
  void count(Outcome outcome) noexcept {
    if (outcome == Outcome::kSucceeded) return;
    handles.failed.inc();
    if (outcome == Outcome::kException) handles.exception.inc();
  }

  CallHandles handles;
  time_point begun = std::chrono::steady_clock::now();
  Birthplace birthplace = {};
};

}  // namespace detail

// A step that is under way. Node::execute() and Node::schedule() return the first one.
template <Call C, Step S>
class [[nodiscard]] NodeStep {
 public:
  NodeStep(NodeStep&& other) noexcept
      : clock_(other.clock_),
        open_(std::exchange(other.open_, false)),
        unwinding_(other.unwinding_) {}
  NodeStep& operator=(NodeStep&&) = delete;

  // Ends the step. Logic that is left without an outcome has failed: by an exception if one is
  // passing through here, else because logic that succeeds passes its outcome on.
  ~NodeStep() {
    if (!is_open()) return;
    clock_.lap(S);
    if constexpr (S == Step::kLogic) {
      clock_.count(std::uncaught_exceptions() > unwinding_ ? Outcome::kException
                                                           : Outcome::kFailed);
    }
  }

  // Goes from step 1 to 2: the node's handler begins.
  NodeStep<C, Step::kHandlerPreProcess> handler_pre_process() && noexcept
      requires(S == Step::kPreProcess) {
    return next<Step::kHandlerPreProcess>();
  }

  // Goes from step 2 to 3: the node's own logic begins.
  NodeStep<C, Step::kLogic> logic() && noexcept requires(S == Step::kHandlerPreProcess) {
    return next<Step::kLogic>();
  }

  // Goes from step 3 to 4: the logic has ended with this outcome, which is counted if it failed.
  NodeStep<C, Step::kHandlerPostProcess> handler_post_process(Outcome outcome) && noexcept
      requires(S == Step::kLogic) {
    if (is_open()) clock_.count(outcome);
    return next<Step::kHandlerPostProcess>();
  }

  // Goes from step 4 to 5: the handler is done. Or goes from 2 to 5: the handler has given up
  // before the logic, e.g. because inputs are missing; then steps 3 and 4 did not happen and are
  // not observed.
  NodeStep<C, Step::kPostProcess> post_process() && noexcept
      requires(S == Step::kHandlerPreProcess || S == Step::kHandlerPostProcess) {
    return next<Step::kPostProcess>();
  }

 private:
  friend class Node;
  template <Call, Step>
  friend class NodeStep;

  NodeStep(const detail::Clock& clock, bool open) noexcept : clock_(clock), open_(open) {}

  bool is_open() const noexcept { return open_ && clock_.birthplace.is_here(); }

  template <Step T>
  NodeStep<C, T> next() noexcept {
    if (is_open()) clock_.lap(S);
    return NodeStep<C, T>(clock_, std::exchange(open_, false));
  }

  detail::Clock clock_;
  bool open_;
  int unwinding_ = std::uncaught_exceptions();
};

template <Step S>
using ExecuteStep = NodeStep<Call::kExecute, S>;
template <Step S>
using ScheduleStep = NodeStep<Call::kSchedule, S>;

}  // namespace metrics::bamboo
