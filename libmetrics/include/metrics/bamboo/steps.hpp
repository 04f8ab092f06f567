// steps.hpp -- the five steps of a node's execute or schedule, each a scope that is timed however
// it is left.
//
//   pre-process -> handler pre-process -> logic -> handler post-process -> post-process
//
// A step is an object of a type of its own. Its only way on is to give it up for the next one, so
// steps that are left out, swapped or taken twice don't compile:
//
//   Post execute(Runtime& runtime, ExecuteStep<Step::kHandlerPreProcess> step) {  // a handler: steps 2 to 4
//     Inputs inputs = hydrate(runtime);
//     auto logic = std::move(step).logic();
//     Outcome outcome = Outcome::kException;
//     try {
//       outcome = service.execute(inputs) ? Outcome::kSucceeded : Outcome::kFailed;
//     } catch (const std::exception& e) { inputs.failed(e.what()); }
//     auto post = std::move(logic).handler_post_process(outcome);
//     ...
//
// What ends a step observes its time, once: the next step, a `return`, an exception. A step that
// was given up (moved from) does nothing more, in its destructor or otherwise. Fork: steps belong
// to the process that began them. A child that inherits some and leaves their scopes records
// nothing. Threads: a step is for one thread at a time.
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

// How a node's logic ended. An exception is a failure too, and counted as both.
enum class Outcome : std::uint8_t { kSucceeded, kFailed, kException };

// What the steps of a call, in their order, and its failures are observed in.
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

// Whether we are still the process that we were. Until a process has counted anything it has no
// epoch, and its children are not told from it.
class Birthplace {
 public:
  bool is_here() const noexcept { return epoch_ == 0 || epoch_ == now(); }

 private:
  static std::uint64_t now() noexcept {
    return __atomic_load_n(&metrics_process->epoch, __ATOMIC_RELAXED);
  }
  std::uint64_t epoch_ = now();
};

// What is handed from step to step.
struct Clock {
  using time_point = std::chrono::steady_clock::time_point;

  // Observes the step that began at `begun`; the next one begins when it ended.
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

// Being in a step. Node::execute() and Node::schedule() give the first one.
template <Call C, Step S>
class [[nodiscard]] NodeStep {
 public:
  NodeStep(NodeStep&& other) noexcept
      : clock_(other.clock_),
        open_(std::exchange(other.open_, false)),
        unwinding_(other.unwinding_) {}
  NodeStep& operator=(NodeStep&&) = delete;

  // Ends the step. Logic that is left without an outcome has failed: by an exception if one is on
  // its way through here, else because whoever succeeds says so.
  ~NodeStep() {
    if (!is_open()) return;
    clock_.lap(S);
    if constexpr (S == Step::kLogic) {
      clock_.count(std::uncaught_exceptions() > unwinding_ ? Outcome::kException
                                                           : Outcome::kFailed);
    }
  }

  // 1 -> 2: the node's handler begins.
  NodeStep<C, Step::kHandlerPreProcess> handler_pre_process() && noexcept
      requires(S == Step::kPreProcess) {
    return next<Step::kHandlerPreProcess>();
  }

  // 2 -> 3: the node's own logic begins.
  NodeStep<C, Step::kLogic> logic() && noexcept requires(S == Step::kHandlerPreProcess) {
    return next<Step::kLogic>();
  }

  // 3 -> 4: the logic has ended so.
  NodeStep<C, Step::kHandlerPostProcess> handler_post_process(Outcome outcome) && noexcept
      requires(S == Step::kLogic) {
    if (is_open()) clock_.count(outcome);
    return next<Step::kHandlerPostProcess>();
  }

  // 4 -> 5: the handler is done. Or 2 -> 5: it has given up before the logic, e.g. for inputs that
  // can't be had; then steps 3 and 4 did not happen and are not observed.
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
