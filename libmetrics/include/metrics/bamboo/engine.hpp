// engine.hpp -- the catalogue's families as an engine records them: runs, nodes, accesses to the
// runtime, claims of messages.
#pragma once

#include <limits.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/bamboo/bounds.hpp"
#include "metrics/bamboo/catalogue.hpp"
#include "metrics/bamboo/steps.hpp"
#include "metrics/metrics.h"
#include "metrics/metrics.hpp"

namespace metrics::bamboo {

// The two values that bamboo-engine gives a node's label `type`. The eight families of pre- and
// post-processing use `type`, the node's type; those of its logic (`*_time` and the four counters)
// use `code`, which names what runs there. A service's `code` is its component's code and version
// with '_' between them; another node's is its type in lower case with '_'. Each pair makes 14
// series, so there must be few: use kinds of nodes, never a node's id.
struct NodeType {
  // Derives the code from the type: "ExclusiveGateway" becomes "exclusive_gateway".
  explicit NodeType(std::string_view type_name) : type(type_name) {
    for (std::size_t i = 0; i < type.size(); ++i) {
      const bool upper = type[i] >= 'A' && type[i] <= 'Z';
      if (upper && i > 0) code += '_';
      code += upper ? static_cast<char>(type[i] - 'A' + 'a') : type[i];
    }
  }
  NodeType(std::string_view type_name, std::string_view code_name)
      : type(type_name), code(code_name) {}

  std::string type;  // e.g. "ServiceActivity", "ExclusiveGateway"
  std::string code;  // e.g. "sleep_timer_legacy", "exclusive_gateway"
};

// A process run or a schedule run. It is counted as running while the object lives, and timed when
// the object is destroyed. It belongs to the process that began it: a forked child that inherits it
// and leaves its scope records nothing. If a process is killed in a run, the next scrape no longer
// counts that run as running. For one thread at a time.
class [[nodiscard]] Running {
 public:
  Running(Running&& other) noexcept
      : running_(other.running_),
        time_(other.time_),
        begun_(other.begun_),
        birthplace_(other.birthplace_),
        open_(std::exchange(other.open_, false)) {}
  Running& operator=(Running&&) = delete;
  ~Running() {
    if (!open_ || !birthplace_.is_here()) return;
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun_;
    time_.observe(taken.count());
    running_.dec();
  }

 private:
  friend class Engine;
  Running(Gauge running, Histogram time) noexcept : running_(running), time_(time) {
    running_.inc();
    birthplace_ = {};  // set again, since inc() made the epoch if there was none
  }

  Gauge running_;
  Histogram time_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  detail::Birthplace birthplace_;
  bool open_ = true;
};

// The handles of one kind of node. Get it once from Engine::node() and keep it: a call of five
// steps then costs six readings of the clock and five observations. Copies record in the same
// series. Any thread may use it, forked children too.
class Node {
 public:
  // Begins an execute, in its first step.
  ExecuteStep<Step::kPreProcess> execute() const noexcept { return {{.handles = execute_}, true}; }
  // Begins a schedule, in its first step.
  ScheduleStep<Step::kPreProcess> schedule() const noexcept {
    return {{.handles = schedule_}, true};
  }

 private:
  friend class Engine;
  detail::CallHandles execute_, schedule_;
};

struct EngineOptions {
  std::string hostname = {};  // empty: this host's name
  // The bounds of all histograms, in seconds. An empty optional stands for those that
  // $BAMBOO_ENGINE_METRICS_BUCKETS lists, or, if it is not set, for kDefaultBounds.
  std::optional<std::vector<double>> bounds = {};
  Segment segment = {};
};

// A metric that times a read or write of the runtime.
template <Metric M>
concept RuntimeAccess = row_of(M)
.recorder == Recorder::kRuntime;

// All families, in one segment. Make it once, best before the first fork; the objects that it
// returns stay valid without it. After construction everything is const: any thread may use it,
// forked children too.
class Engine {
 public:
  // Registers the families, and the series whose only label is `hostname`: scrapes show these at 0
  // from now on.
  //
  // Throws std::invalid_argument if options.bounds can't be a histogram's bounds. If a list in the
  // environment can't be, that is logged, and the default bounds are used; without exceptions, the
  // program logs it and aborts. If another process has other bounds, both count in one family,
  // which shows the bounds of the process that has started last. Missing resources are logged too,
  // and never throw.
  explicit Engine(const EngineOptions& options = {})
      : hostname_(options.hostname.empty() ? this_host() : options.hostname) {
    if (options.bounds) {
      make_families(*options.bounds, options.segment);
    } else {
      make_families_as_environment_says(options.segment);
    }
    for (const Row& row : kCatalogue) {
      if (row.labels == Labels::kHost) bind_host_series(row);
    }
  }

  const std::string& hostname() const noexcept { return hostname_; }

  // Registers the series of this kind of node, which scrapes show at 0 from now on, and returns
  // their handles. It is too slow to call for each message: keep the Node.
  Node node(const NodeType& type) const {
    Node node;
    node.execute_ = handles_of(Call::kExecute, type);
    node.schedule_ = handles_of(Call::kSchedule, type);
    return node;
  }

  // Begin a process run or a schedule run, which is the work on one message. If there was no room
  // for their series, they record nothing.
  Running process_run() const noexcept {
    return {running_processes_, host_series_[index(Metric::kProcessRunningTime)]};
  }
  Running schedule_run() const noexcept {
    return {running_schedules_, host_series_[index(Metric::kScheduleRunningTime)]};
  }

  // Begins to time a read or write, until the timer's scope is left, e.g.
  // runtime<Metric::kStateRead>(). Metrics of anything else don't compile.
  template <Metric M>
  requires RuntimeAccess<M>
  [[nodiscard]] Timer runtime() const noexcept { return Timer(host_series_[index(M)]); }

  // Observe the delay of a message that was sent at `sent`, by the sender's clock, and is claimed
  // now, in seconds. A delay is negative if a clock was stepped or two hosts' clocks differ; it is
  // observed as 0 then. It belongs in the first bucket either way, and Prometheus would take a sum
  // that goes down for a counter reset.
  void execute_claimed(std::chrono::system_clock::time_point sent) const noexcept {
    observe_delay(Metric::kExecuteClaimDelay, sent);
  }
  void schedule_claimed(std::chrono::system_clock::time_point sent) const noexcept {
    observe_delay(Metric::kScheduleClaimDelay, sent);
  }

 private:
  static std::string this_host() {
    std::array<char, HOST_NAME_MAX + 1> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
    return name.data();
  }

  void make_families(const std::vector<double>& bounds, const Segment& segment) {
    for (const Row& row : kCatalogue) {
      const bool by_node = row.labels != Labels::kHost;
      const LabelNames labels = by_node ? LabelNames{"type", "hostname"} : LabelNames{"hostname"};
      switch (row.kind) {
        case Kind::kCounter:
          counters_[index(row.metric)].emplace(row.name, row.help, labels,
                                               Counter::Options{.segment = segment});
          break;
        case Kind::kGauge:
          gauges_[index(row.metric)].emplace(
              row.name, row.help, labels,
              Gauge::Options{.mode = Mode::kLiveSum, .segment = segment});
          break;
        case Kind::kHistogram:
          histograms_[index(row.metric)].emplace(
              row.name, row.help, labels,
              Histogram::Options{.bounds = Bounds(bounds), .segment = segment});
          break;
      }
    }
  }

  void make_families_as_environment_says(const Segment& segment) {
    const std::vector<double> defaults(kDefaultBounds.begin(), kDefaultBounds.end());
#if defined(__cpp_exceptions)
    try {
      make_families(bounds_from_environment().value_or(defaults), segment);
    } catch (const std::invalid_argument& e) {
      const std::string text =
          std::string(kBoundsVariable) + " is not used: " + e.what() + "; the default bounds are";
      metrics_log(METRICS_INVALID, text.c_str());
      make_families(defaults, segment);
    }
#else
    make_families(bounds_from_environment().value_or(defaults), segment);
#endif
  }

  void bind_host_series(const Row& row) {
    const std::size_t i = index(row.metric);
    if (row.kind == Kind::kHistogram) host_series_[i] = histograms_[i]->labels(hostname_);
    if (row.metric == Metric::kRunningProcesses) running_processes_ = gauges_[i]->labels(hostname_);
    if (row.metric == Metric::kRunningSchedules) running_schedules_ = gauges_[i]->labels(hostname_);
  }

  const std::string& label_of(Metric metric, const NodeType& type) const {
    return row_of(metric).labels == Labels::kCodeAndHost ? type.code : type.type;
  }

  detail::CallHandles handles_of(Call call, const NodeType& type) const {
    const CallMetrics recorded = metrics_of(call);
    detail::CallHandles handles;
    for (std::size_t i = 0; i < kStepCount; ++i) {
      const Metric m = recorded.steps[i];
      handles.steps[i] = histograms_[index(m)]->labels(label_of(m, type), hostname_);
    }
    const auto counter = [&](Metric m) {
      return counters_[index(m)]->labels(label_of(m, type), hostname_);
    };
    handles.failed = counter(recorded.failed);
    handles.exception = counter(recorded.exception);
    return handles;
  }

  void observe_delay(Metric metric, std::chrono::system_clock::time_point sent) const noexcept {
    const std::chrono::duration<double> delay = std::chrono::system_clock::now() - sent;
    host_series_[index(metric)].observe(delay.count() > 0 ? delay.count() : 0);
  }

  std::string hostname_;
  // Indexed by index(Metric): each holds the families of its kind, and is empty at the others.
  std::array<std::optional<Family<Counter>>, kMetricCount> counters_;
  std::array<std::optional<Family<Gauge>>, kMetricCount> gauges_;
  std::array<std::optional<Family<Histogram>>, kMetricCount> histograms_;
  std::array<Histogram, kMetricCount> host_series_;
  Gauge running_processes_, running_schedules_;
};

}  // namespace metrics::bamboo
