// engine.hpp -- the catalogue's families as an engine records them: runs, nodes, runtime accesses,
// claims.
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

// What bamboo-engine calls a node in the label `type`: in the eight families of pre- and
// post-processing by its type, in those of its logic (`*_time` and the four counters) by what runs
// there. A service's `code` is its component's code and version with '_' between them; another
// node's is its type in lower case with '_'. Each pair is 14 series, so the values are to be few:
// kinds of nodes, never a node's id.
struct NodeType {
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

// A process run or a schedule run, for as long as the object lives: counted as running, and timed
// when it ends. For the process that began it: a forked child that inherits it and leaves its scope
// records nothing. A process that is killed in a run is not running it in the next scrape.
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
    birthplace_ = {};  // now that there is an epoch
  }

  Gauge running_;
  Histogram time_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  detail::Birthplace birthplace_;
  bool open_ = true;
};

// The handles of one kind of node. Get it once from Engine::node() and keep it: then a call of five
// steps costs six looks at the clock and five observations. Copies are the same. Any thread may use
// it, forked children too.
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
  std::string hostname = {};  // empty: this host's
  // Of all histograms. None: what $BAMBOO_ENGINE_METRICS_BUCKETS lists, else kDefaultBounds.
  std::optional<std::vector<double>> bounds = {};
  Segment segment = {};
};

// A read or write of the runtime that has a histogram.
template <Metric M>
concept RuntimeAccess = row_of(M)
.recorder == Recorder::kRuntime;

// All families, in one segment. Make it once, best before the first fork; what it gives out stays
// valid without it. After construction everything is const: any thread may use it, forked children
// too.
class Engine {
 public:
  // Registers the families, and the series that have no label but `hostname`: they are there at 0
  // from now on.
  //
  // Throws std::invalid_argument if options.bounds can't be a histogram's. A list in the
  // environment that can't be is told to metrics_set_log()'s function, and the default bounds are
  // taken. If another process has registered a family with other bounds, that family counts nothing
  // here, and it is said; so all workers of a segment are to have the same list.
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

  // Registers the kind's series, which are there at 0 from now on. Not for the hot path: keep the
  // Node.
  Node node(const NodeType& type) const {
    Node node;
    node.execute_ = handles_of(Call::kExecute, type);
    node.schedule_ = handles_of(Call::kSchedule, type);
    return node;
  }

  // A process run begins, or a schedule run: one message's worth of work. Records nothing if no
  // room was left.
  Running process_run() const noexcept {
    return {running_processes_, host_series_[index(Metric::kProcessRunningTime)]};
  }
  Running schedule_run() const noexcept {
    return {running_schedules_, host_series_[index(Metric::kScheduleRunningTime)]};
  }

  // Times a read or write until the timer's scope is left, e.g. runtime<Metric::kStateRead>(). No
  // other metric compiles.
  template <Metric M>
  requires RuntimeAccess<M>
  [[nodiscard]] Timer runtime() const noexcept { return Timer(host_series_[index(M)]); }

  // A message that was sent then, by the sender's clock, has been claimed now. The delay is
  // negative when a clock was stepped or two hosts' clocks differ; it is observed as 0 then. It
  // belongs to the first bucket either way, and a sum that goes down is a counter reset to
  // Prometheus.
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
  // By index(Metric): the families of that kind, none elsewhere.
  std::array<std::optional<Family<Counter>>, kMetricCount> counters_;
  std::array<std::optional<Family<Gauge>>, kMetricCount> gauges_;
  std::array<std::optional<Family<Histogram>>, kMetricCount> histograms_;
  std::array<Histogram, kMetricCount> host_series_;
  Gauge running_processes_, running_schedules_;
};

}  // namespace metrics::bamboo
