// metrics.hpp -- the C++20 API: a header over the C ABI of metrics.h, with the updates inlined by
// hot.h.
//
//   metrics::Family<metrics::Counter> tasks{"tasks_total", "Tasks finished.", {"type"}};
//   // Keep the handle: a look-up costs about twenty times an update.
//   metrics::Counter images = tasks.labels("image");
//   ...fork, fork, fork...
//   images.inc();
//
// The promises of metrics.h hold here. In short: any thread may call everything, before and after
// fork(); updates never allocate or throw, and none blocks, except a thread's first one, for 10 ms
// at most. Definitions that break the rules throw std::invalid_argument, with a text that names
// what to write instead; in a program that is built without exceptions they log that text and
// abort. Missing resources (space, permission, a slot) never throw: they are logged once, and what
// can't be counted is dropped. Strings end at their first NUL, as in C: label values that differ
// only after it are one series.
#pragma once

#if !defined(__cplusplus) || __cplusplus < 202002L
#error "metrics.hpp needs C++20: compile with -std=c++20, or use metrics.h"
#else

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "metrics/hot.h"
#include "metrics/metrics.h"

namespace metrics {

namespace detail {

// Refuses what a wrong program asks for: throws std::invalid_argument, or, without exceptions, logs
// the text and aborts.
[[noreturn]] inline void refuse(const char* text) {
#if defined(__cpp_exceptions)
  throw std::invalid_argument(text);
#else
  metrics_log(METRICS_INVALID, text);
  std::abort();
#endif
}

// Refuses METRICS_INVALID, which is the program's fault. All other statuses come from its
// environment and pass.
inline void check(metrics_status status) {
  if (status == METRICS_INVALID) refuse(metrics_last_error());
}

inline std::vector<const char*> pointers(const std::vector<std::string>& strings) {
  std::vector<const char*> result;
  result.reserve(strings.size());
  for (const std::string& s : strings) result.push_back(s.c_str());
  return result;
}

// A type of label values that labels() passes on without a copy.
template <class Value>
concept ends_with_nul =
    std::convertible_to<const Value&, const char*> || std::same_as<Value, std::string>;

inline const char* pointer(const char* s) { return s; }
inline const char* pointer(const std::string& s) { return s.c_str(); }

// A type that labels() accepts for a label value: a string, or anything that a stream prints.
template <class Value>
concept label_value = std::convertible_to<const Value&, std::string_view> ||
    requires(std::ostream& stream, const Value& value) {
  stream << value;
};

// A string that ends with a NUL, wherever it stands.
class Text {
 public:
  Text(const char* text) noexcept : text_(text) {}  // NOLINT(google-explicit-constructor)
  Text(const std::string& text) noexcept
      : text_(text.c_str()) {}  // NOLINT(google-explicit-constructor)
  const char* get() const noexcept { return text_; }

 private:
  const char* text_;
};

// Call use(names, values, count) with the labels of an exemplar as the C ABI takes them; the first
// one with that many at most.
template <std::size_t kMost, class Use>
void with_labels(std::initializer_list<std::pair<const char*, Text> > labels, Use use) noexcept {
  std::array<const char*, kMost> names{}, values{};
  std::size_t count = 0;
  for (const auto& [name, value] : labels) {
    if (count == kMost) break;
    names[count] = name;
    values[count++] = value.get();
  }
  use(names.data(), values.data(), count);
}
template <class Use>
void with_exemplar(std::initializer_list<std::pair<const char*, Text> > labels, Use use) noexcept {
  constexpr std::size_t kFew = 4;  // as most have
  if (labels.size() <= kFew) return with_labels<kFew>(labels, use);
  constexpr std::size_t kMost = 64;  // more don't fit in an exemplar
  with_labels<kMost>(labels, use);
}

template <label_value Value>
std::string text(const Value& value) {
  if constexpr (std::convertible_to<const Value&, const char*>) {
    const char* const s = value;
    if (s == nullptr) refuse("a label value is NULL; write \"\"");
    return s;
  } else if constexpr (std::convertible_to<const Value&, std::string_view>) {
    return std::string(static_cast<std::string_view>(value));
  } else if constexpr (std::same_as<Value, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::integral<Value> && sizeof(Value) > 1) {
    return std::to_string(value);
  } else {
    std::ostringstream stream;
    stream << value;
    return std::move(stream).str();
  }
}

}  // namespace detail

// The size of a segment that this process creates; see metrics_geometry. 0 stands for the value
// from the environment, else for the default.
struct Geometry {
  std::uint32_t processes = 0;
  std::uint32_t threads = 0;
  std::uint64_t cells = 0;
  std::uint64_t directory_bytes = 0;
};

// Where metrics are counted. Cheap to copy: it is a handle of a segment that stays joined until the
// process ends. Any thread may use it, forked children too.
class Segment {
 public:
  // Joins the default segment at the first call; see metrics_default().
  Segment() noexcept : segment_(metrics_default()) {}
  // Joins the segment of that path, or creates it with that geometry if it does not exist; see
  // metrics_open(). Throws std::invalid_argument for a path or geometry that breaks the rules. For
  // other failures see status().
  explicit Segment(const std::string& path, const Geometry& geometry = {}) {
    const metrics_geometry wanted = {sizeof wanted, geometry.processes, geometry.threads,
                                     geometry.cells, geometry.directory_bytes};
    detail::check(metrics_open(path.c_str(), &wanted, &segment_));
  }

  std::string path() const { return metrics_segment_path(segment_); }
  // Returns METRICS_OK while this process is counted in slots of its own, else the first reason why
  // it is not; see metrics_segment_status().
  metrics_status status() const noexcept { return metrics_segment_status(segment_); }
  // Returns the status in words; empty if it is METRICS_OK.
  std::string why() const { return status() == METRICS_OK ? "" : metrics_last_error(); }
  metrics_segment* get() const noexcept { return segment_; }

 private:
  metrics_segment* segment_ = nullptr;
};

enum class Mode {
  kAll = METRICS_ALL,
  kLiveAll = METRICS_LIVEALL,
  kSum = METRICS_SUM,
  kLiveSum = METRICS_LIVESUM,
  kMin = METRICS_MIN,
  kLiveMin = METRICS_LIVEMIN,
  kMax = METRICS_MAX,
  kLiveMax = METRICS_LIVEMAX,
  kMostRecent = METRICS_MOSTRECENT,
  kLiveMostRecent = METRICS_LIVEMOSTRECENT,
};

// A histogram's upper bounds: inclusive, ascending, finite; +Inf is added.
class Bounds {
 public:
  Bounds() = default;  // Prometheus's default bounds, .005 to 10 seconds
  Bounds(std::initializer_list<double> bounds) : bounds_(bounds), given_(true) {}
  explicit Bounds(std::vector<double> bounds) : bounds_(std::move(bounds)), given_(true) {}
  // Return `count` bounds that begin with `start`. Throw std::invalid_argument where
  // metrics_linear_bounds() and metrics_exponential_bounds() fail.
  static Bounds linear(double start, double width, std::size_t count) {
    std::vector<double> bounds(count);
    detail::check(metrics_linear_bounds(start, width, count, bounds.data()));
    return Bounds(std::move(bounds));
  }
  static Bounds exponential(double start, double factor, std::size_t count) {
    std::vector<double> bounds(count);
    detail::check(metrics_exponential_bounds(start, factor, count, bounds.data()));
    return Bounds(std::move(bounds));
  }
  const std::vector<double>& values() const noexcept { return bounds_; }
  // False for the default bounds. Bounds that are given but empty leave the +Inf bucket alone.
  bool are_given() const noexcept { return given_; }

 private:
  std::vector<double> bounds_;
  bool given_ = false;
};

// Each metric has an Options: what its definition may have besides name, help and label names.
//   unit     becomes the name's ending
//   segment  where it is counted
//   max_series  how many series it may have, 0: no limit; see metrics_family_of()
//   exemplars   of a counter or histogram: its series have places for exemplars

// The labels of an exemplar, names and values: {{"trace_id", id}}. What they must be, and what
// happens otherwise, stands at metrics_histogram_observe_exemplar().
using ExemplarLabels = std::initializer_list<std::pair<const char*, detail::Text> >;

// A count that only goes up. Copies count into the same series.
class Counter {
 public:
  struct Options {
    std::string unit = {};
    Segment segment = {};
    std::uint32_t max_series = 0;
    bool exemplars = false;
  };

  Counter() noexcept = default;  // counts nothing
  explicit Counter(const metrics_counter* counter) noexcept {
    if (counter != nullptr) counter_ = counter;
  }

  // Adds n. A negative number is ignored and counted as dropped. The count wraps at 2^64.
  template <std::integral T = unsigned>
  void inc(T n = 1) const noexcept {
    if constexpr (std::is_signed_v<T>) {
      if (n < 0) [[unlikely]] {
        metrics_counter_add(counter_, -1);
        return;
      }
    }
    if (std::uint64_t* first = metrics_hot_first(&counter_->place); first != nullptr) [[likely]] {
      metrics_hot_count(first, static_cast<std::uint64_t>(n));
    } else {
      metrics_counter_inc(counter_, static_cast<std::uint64_t>(n));
    }
  }
  // Adds an amount that need not be whole. A negative amount, or NaN, is ignored and counted as
  // dropped.
  void inc(double amount) const noexcept {
    if (metrics_hot_may_add(amount) != 0) [[likely]] {
      if (std::uint64_t* first = metrics_hot_first(&counter_->place); first != nullptr) [[likely]] {
        metrics_hot_add(first, amount);
        return;
      }
    }
    metrics_counter_add(counter_, amount);
  }
  // Adds an amount, and keeps it as an exemplar with these labels.
  void inc(double amount, ExemplarLabels labels) const noexcept {
    detail::with_exemplar(labels, [&](auto names, auto values, std::size_t count) {
      metrics_counter_add_exemplar(counter_, amount, names, values, count);
    });
  }

  // Returns what all processes have counted, for tests; NaN if it can't be read. Makes system
  // calls; see metrics_counter_value().
  double value() const noexcept {
    double value = 0;
    return metrics_counter_value(counter_, &value) == METRICS_OK ? value : __builtin_nan("");
  }

 private:
  static constexpr metrics_counter kNowhere = {METRICS_NOWHERE};
  const metrics_counter* counter_ = &kNowhere;
};

class InProgress;
class Timer;

// A value of this process that goes up and down. Its threads share it; a forked child has another.
class Gauge {
 public:
  struct Options {
    std::string unit = {};
    Mode mode = Mode::kAll;  // how the processes' values become one
    Segment segment = {};
    std::uint32_t max_series = 0;
  };

  Gauge() noexcept = default;  // sets nothing
  explicit Gauge(metrics_gauge* gauge) noexcept : gauge_(gauge) {}

  void set(double value) const noexcept {
    if (gauge_ == nullptr || !metrics_hot_set(gauge_, value)) [[unlikely]] {
      metrics_gauge_set(gauge_, value);
    }
  }
  void inc(double amount = 1) const noexcept { metrics_gauge_add(gauge_, amount); }
  void dec(double amount = 1) const noexcept { metrics_gauge_add(gauge_, -amount); }
  void set_to_current_time() const noexcept { metrics_gauge_set_to_current_time(gauge_); }

  // Adds 1, and subtracts it when the returned guard's scope is left.
  [[nodiscard]] InProgress track_inprogress() const noexcept;

  // Returns what this process has set, for tests; NaN if it has set nothing or its gauges are
  // refused. See metrics_gauge_value().
  double value() const noexcept {
    double value = 0;
    return metrics_gauge_value(gauge_, &value) == METRICS_OK ? value : __builtin_nan("");
  }

 private:
  metrics_gauge* gauge_ = nullptr;
};

// Adds 1 to a gauge and, when its scope is left, subtracts it. A forked child that inherits it and
// leaves the scope subtracts 1 from its own value: leave the child by exec() or _exit() instead.
class InProgress {
 public:
  explicit InProgress(Gauge gauge) noexcept : gauge_(gauge) { gauge_.inc(); }
  InProgress(InProgress&& other) noexcept : gauge_(std::exchange(other.gauge_, Gauge())) {}
  InProgress& operator=(InProgress&&) = delete;
  ~InProgress() { gauge_.dec(); }

 private:
  Gauge gauge_;
};
inline InProgress Gauge::track_inprogress() const noexcept { return InProgress(*this); }

// A histogram's native buckets; see metrics_native. 0 stands for the default.
struct Native {
  double factor = 0;  // from one bound to the next, at most: 1.1
  double min = 0;     // 2^-20, about a microsecond
  double max = 0;     // 2^12, 68 minutes
  bool negative = false;
};

// Observations in buckets.
class Histogram {
 public:
  struct Options {
    std::string unit = {};
    Bounds bounds = {};
    Segment segment = {};
    std::uint32_t max_series = 0;
    std::optional<Native> native = {};  // beside the bounds, which may be given but empty
    bool exemplars = false;
  };

  Histogram() noexcept = default;  // observes nothing
  explicit Histogram(const metrics_histogram* histogram) noexcept : histogram_(histogram) {}

  // Counts one observation in its bucket and adds it to the sum. NaN is ignored and counted as
  // dropped; negative values are legal.
  void observe(double value) const noexcept {
    if (histogram_ != nullptr && value == value) [[likely]] {
      if (std::uint64_t* first = metrics_hot_first(&histogram_->place); first != nullptr)
          [[likely]] {
        histogram_->observe(first, histogram_, value);
        return;
      }
    }
    metrics_histogram_observe(histogram_, value);
  }
  // Does the same, and keeps an exemplar with these labels.
  void observe(double value, ExemplarLabels labels) const noexcept {
    detail::with_exemplar(labels, [&](auto names, auto values, std::size_t count) {
      metrics_histogram_observe_exemplar(histogram_, value, names, values, count);
    });
  }

  // Begins a timer, which observes the seconds until its scope is left, by return or exception.
  [[nodiscard]] Timer time() const noexcept;

  // Return what all processes have observed, for tests; 0 and NaN if it can't be read. They make
  // system calls; see metrics_histogram_value().
  std::uint64_t count() const noexcept { return value().first; }
  double sum() const noexcept { return value().second; }

 private:
  std::pair<std::uint64_t, double> value() const noexcept {
    std::uint64_t count = 0;
    double sum = 0;
    if (metrics_histogram_value(histogram_, &count, &sum) == METRICS_OK) return {count, sum};
    return {0, __builtin_nan("")};
  }

  const metrics_histogram* histogram_ = nullptr;
};

// Observes seconds once, at stop() or at the end of its scope. For one thread at a time. A forked
// child that inherits it observes too, unless it calls discard() or leaves by exec() or _exit().
class Timer {
 public:
  explicit Timer(Histogram histogram) noexcept
      : histogram_(histogram), start_(std::chrono::steady_clock::now()) {}
  Timer(Timer&& other) noexcept
      : histogram_(std::exchange(other.histogram_, Histogram())), start_(other.start_) {}
  Timer& operator=(Timer&&) = delete;
  ~Timer() { histogram_.observe(elapsed()); }

  // Returns the seconds since the timer began, by the steady clock.
  double elapsed() const noexcept {
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start_;
    return taken.count();
  }
  // Observes now, and returns the seconds. The end of the scope then observes nothing more; nor
  // does a second call, which still returns the seconds.
  double stop() noexcept {
    const double seconds = elapsed();
    std::exchange(histogram_, Histogram()).observe(seconds);
    return seconds;
  }
  // Does the same, and keeps an exemplar with these labels.
  double stop(ExemplarLabels labels) noexcept {
    const double seconds = elapsed();
    std::exchange(histogram_, Histogram()).observe(seconds, labels);
    return seconds;
  }
  // Ends the timer: neither stop() nor the end of the scope will observe anything.
  void discard() noexcept { histogram_ = Histogram(); }

 private:
  Histogram histogram_;
  std::chrono::steady_clock::time_point start_;
};
inline Timer Histogram::time() const noexcept { return Timer(*this); }

// Counts and sums, without quantiles, which can't be merged over processes.
class Summary : public Histogram {
 public:
  struct Options {
    std::string unit = {};
    Segment segment = {};
    std::uint32_t max_series = 0;
  };
  using Histogram::Histogram;
};

// Which of several states something is in: a sample for each state, 1 or 0, whose label of the
// family's name has the state. Each process sets its own; the mode decides what is shown.
class StateSet {
 public:
  struct Options {
    std::vector<std::string> states = {};  // 1 to 256, not empty, each once
    // kLiveMostRecent, kMostRecent, kLiveAll, kAll, or kLiveSum, which makes it a gauge: how many
    // living processes are in each state.
    Mode mode = Mode::kLiveMostRecent;
    Segment segment = {};
    std::uint32_t max_series = 0;
  };

  StateSet() noexcept = default;  // sets nothing
  StateSet(metrics_stateset* set, const metrics_family* family) noexcept
      : set_(set), family_(family) {}

  // Set this process's state, by its index or enumerator, which takes the place of its index, or by
  // its name, which is compared with one state after the other. What is not one of the states is
  // ignored and counted as dropped.
  template <class State>
  requires(std::integral<State> || std::is_enum_v<State>) void set(State state) const noexcept {
    metrics_stateset_set(set_, static_cast<std::size_t>(state));
  }
  void set(const char* state) const noexcept {
    metrics_stateset_set(set_, metrics_stateset_index(family_, state));
  }
  void set(const std::string& state) const noexcept { set(state.c_str()); }

  // Returns the index of the state that this process has set, for tests; empty if it has set none,
  // or its states are refused. See metrics_stateset_value().
  std::optional<std::size_t> state() const noexcept {
    std::size_t state = METRICS_NO_STATE;
    if (metrics_stateset_value(set_, &state) != METRICS_OK || state == METRICS_NO_STATE) return {};
    return state;
  }

 private:
  metrics_stateset* set_ = nullptr;
  const metrics_family* family_ = nullptr;
};

// Constant information as labels, with the value 1.
class Info {
 public:
  struct Options {
    Segment segment = {};
    // Mode::kMostRecent: what was stated last stays when no process lives that states any.
    Mode mode = Mode::kAll;
    std::uint32_t max_series = 0;
  };
};

using LabelNames = std::vector<std::string>;
using LabelValues = std::vector<std::string>;
// Pairs of a label's name and its value, in any order.
using NamedValues = std::vector<std::pair<std::string, std::string> >;

namespace detail {

// The names and the values of pairs, as the C ABI takes them; valid as long as the pairs are.
struct Split {
  explicit Split(const NamedValues& pairs) {
    for (const auto& [name, value] : pairs) {
      names.push_back(name.c_str());
      values.push_back(value.c_str());
    }
  }
  std::vector<const char*> names, values;
};

// What families of all types have in common.
class AnyFamily {
 public:
  // Returns METRICS_OK if the family's series are counted and served, else the reason why the
  // family was refused, is hidden by another one, or its segment was not joined; see
  // metrics_family_status().
  metrics_status status() const noexcept { return metrics_family_status(family_); }
  // Returns the status in words; empty if it is METRICS_OK.
  std::string why() const { return status() == METRICS_OK ? "" : metrics_last_error(); }

  // Returns whether the family's series have places for exemplars.
  bool has_exemplars() const noexcept { return metrics_family_has_exemplars(family_) != 0; }

  // Removes all series, for all processes; see metrics_clear().
  void clear() const { check(metrics_clear(family_)); }

 protected:
  AnyFamily(const Segment& segment, metrics_type type, const std::string& name,
            const std::string& help, const LabelNames& labels,
            const metrics_family_options& options) {
    const std::vector<const char*> names = pointers(labels);
    check(metrics_family_of(segment.get(), type, name.c_str(), help.c_str(), names.data(),
                            names.size(), &options, &family_));
  }
  metrics_family* get() const noexcept { return family_; }

 private:
  metrics_family* family_ = nullptr;
};

template <class Metric>
constexpr metrics_type type_of() {
  if constexpr (std::same_as<Metric, Counter>) {
    return METRICS_COUNTER;
  } else if constexpr (std::same_as<Metric, Gauge>) {
    return METRICS_GAUGE;
  } else if constexpr (std::same_as<Metric, Histogram>) {
    return METRICS_HISTOGRAM;
  } else if constexpr (std::same_as<Metric, StateSet>) {
    return METRICS_STATESET;
  } else {
    static_assert(std::same_as<Metric, Summary>,
                  "Counter, Gauge, Histogram, Summary, StateSet or Info");
    return METRICS_SUMMARY;
  }
}

// Returns pointers to the states that the options have.
template <class Options>
std::vector<const char*> states_of(const Options& options) {
  if constexpr (requires { options.states; }) return pointers(options.states);
  return {};
}

// Returns the options as the C ABI takes them, with the pointers of states_of(); valid as long as
// both are, and in the expression that calls this, where `native` lives.
template <class Options>
metrics_family_options c_options(const Options& options, const std::vector<const char*>& states,
                                 metrics_native&& native = {}) {
  metrics_family_options result{};
  result.size = sizeof result;
  if constexpr (requires { options.unit; }) result.unit = options.unit.c_str();
  if constexpr (requires { options.mode; }) result.mode = static_cast<metrics_mode>(options.mode);
  if constexpr (requires { options.states; }) {
    if (options.mode == Mode::kAll) result.mode = METRICS_STATESET_ALL;
    result.states = states.data();
    result.state_count = states.size();
  }
  result.max_series = options.max_series;
  if constexpr (requires { options.exemplars; }) result.exemplars = options.exemplars ? 1 : 0;
  if constexpr (requires { options.bounds; }) {
    static constexpr double kNoBound = 0;  // an empty vector may have no address
    const std::vector<double>& bounds = options.bounds.values();
    if (options.bounds.are_given()) result.bounds = bounds.empty() ? &kNoBound : bounds.data();
    result.bound_count = bounds.size();
  }
  if constexpr (requires { options.native; }) {
    if (options.native) {
      native = {sizeof native, options.native->factor, options.native->min, options.native->max,
                options.native->negative ? 1 : 0};
      result.native = &native;
    }
  }
  return result;
}

}  // namespace detail

// A name with all its series: Family<Counter>, Family<Gauge>, Family<Histogram>, Family<Summary>,
// Family<StateSet>, Family<Info>. Cheap to copy; make it where you like, once or often: the same
// definition is the same family, in all processes. Any thread may use it, forked children too.
//
// A family without label names has one series, which exists from its construction on, and offers
// that series' functions: requests.inc(), load.set(3). On a family with label names they throw
// std::invalid_argument. Once somebody has removed the series, they begin a new one, and look it up
// each time until the family is made anew. If there was no room for it, they count nothing until
// the family is made anew.
template <class Metric>
class Family : public detail::AnyFamily {
 public:
  using Options = typename Metric::Options;

  // Finds or registers the family; see metrics_family_of(). Throws std::invalid_argument if a name,
  // label or bound breaks Prometheus's rules; for other failures see status().
  Family(const std::string& name, const std::string& help, const LabelNames& labels = {},
         const Options& options = {})
      : AnyFamily(options.segment, detail::type_of<Metric>(), name, help, labels,
                  detail::c_options(options, detail::states_of(options))),
        has_labels_(!labels.empty()) {
    if (has_labels_) return;
    only_ = find(nullptr, 0);
    state_ = metrics_series_state(get(), nullptr, 0, &live_);
  }

  // Returns the series with these label values, in the order of the label names; registers it if it
  // is new. Values are strings, numbers, or anything that a stream prints; a long one is cut, see
  // metrics_counter_labels(). Throws std::invalid_argument if their number is wrong. If there is no
  // room for the series, the one returned counts nothing; with Options::max_series, it is the one
  // for all label values beyond that.
  template <class... Values>
  requires(detail::ends_with_nul<Values>&&...) Metric labels(const Values&... values)
  const {
    if constexpr (sizeof...(Values) == 0) {
      return only();
    } else {
      const std::array<const char*, sizeof...(Values)> pointers = {detail::pointer(values)...};
      return find(pointers.data(), pointers.size());
    }
  }
  template <class... Values>
  requires((detail::label_value<Values> && ...) && !(detail::ends_with_nul<Values> && ...)) Metric
      labels(const Values&... values)
  const { return labels(LabelValues{detail::text(values)...}); }
  Metric labels(const LabelValues& values) const {
    const std::vector<const char*> pointers = detail::pointers(values);
    return find(pointers.data(), pointers.size());
  }

  // Returns the series, like labels(), for values that are given by label name. Throws
  // std::invalid_argument also if a name is missing, unknown or given twice.
  Metric with(const NamedValues& labels) const {
    const detail::Split split(labels);
    std::vector<const char*> ordered(labels.size());
    detail::check(metrics_order_labels(get(), split.names.data(), split.values.data(),
                                       labels.size(), ordered.data()));
    return find(ordered.data(), ordered.size());
  }

  // Removes a series for all processes; see metrics_remove(). Throws std::invalid_argument if the
  // number of values is wrong.
  void remove(const LabelValues& values) const {
    const std::vector<const char*> pointers = detail::pointers(values);
    detail::check(metrics_remove(get(), pointers.data(), pointers.size()));
  }
  template <class... Values>
  requires(detail::label_value<Values>&&...) void remove(const Values&... values) const {
    remove(LabelValues{detail::text(values)...});
  }

  // ---- for a family without label names: the functions of its only series ----

  template <class... Amount>
  requires requires(const Metric m, Amount... n) { m.inc(n...); }
  void inc(Amount... amount) const { only().inc(amount...); }
  void inc(double amount, ExemplarLabels labels) const requires std::same_as<Metric, Counter> {
    only().inc(amount, labels);
  }
  template <class... Amount>
  requires requires(const Metric m, Amount... n) { m.dec(n...); }
  void dec(Amount... amount) const { only().dec(amount...); }
  void set(double value) const requires std::same_as<Metric, Gauge> { only().set(value); }
  template <class State>
  requires std::same_as<Metric, StateSet>
  void set(const State& state) const { only().set(state); }
  std::optional<std::size_t> state() const requires std::same_as<Metric, StateSet> {
    return only().state();
  }
  void set_to_current_time() const requires std::same_as<Metric, Gauge> {
    only().set_to_current_time();
  }
  [[nodiscard]] InProgress track_inprogress() const requires std::same_as<Metric, Gauge> {
    return only().track_inprogress();
  }
  void observe(double value) const requires std::derived_from<Metric, Histogram> {
    only().observe(value);
  }
  void observe(double value, ExemplarLabels labels) const requires std::same_as<Metric, Histogram> {
    only().observe(value, labels);
  }
  [[nodiscard]] Timer time() const requires std::derived_from<Metric, Histogram> {
    return only().time();
  }
  double value() const requires requires(const Metric m) { m.value(); }
  { return only().value(); }
  std::uint64_t count() const requires std::derived_from<Metric, Histogram> {
    return only().count();
  }
  double sum() const requires std::derived_from<Metric, Histogram> { return only().sum(); }

 private:
  // Returns the only series. Throws std::invalid_argument for a family with label names.
  Metric only() const {
    const bool removed = state_ != nullptr && __atomic_load_n(state_, __ATOMIC_RELAXED) != live_;
    return has_labels_ || removed ? find(nullptr, 0) : only_;
  }

  Metric find(const char* const* values, std::size_t count) const {
    if constexpr (std::same_as<Metric, Counter>) {
      metrics_counter* counter = nullptr;
      detail::check(metrics_counter_labels(get(), values, count, &counter));
      metrics_hot_acquire(counter);
      return Counter(counter);
    } else if constexpr (std::same_as<Metric, Gauge>) {
      metrics_gauge* gauge = nullptr;
      detail::check(metrics_gauge_labels(get(), values, count, &gauge));
      metrics_hot_acquire(gauge);
      return Gauge(gauge);
    } else if constexpr (std::same_as<Metric, StateSet>) {
      metrics_stateset* set = nullptr;
      detail::check(metrics_stateset_labels(get(), values, count, &set));
      metrics_hot_acquire(set);
      return StateSet(set, get());
    } else {
      metrics_histogram* histogram = nullptr;
      detail::check(metrics_histogram_labels(get(), values, count, &histogram));
      metrics_hot_acquire(histogram);
      return Metric(histogram);
    }
  }

  bool has_labels_;
  Metric only_;
  const std::uint64_t* state_ = nullptr;  // only_'s, see metrics_series_state()
  std::uint64_t live_ = 0;                // what it holds until somebody removes the series
};

// Constant information as labels: `name_info{labels} 1`. The family has no label names: each
// statement brings its own.
template <>
class Family<Info> : public detail::AnyFamily {
 public:
  Family(const std::string& name, const std::string& help, const Info::Options& options = {})
      : AnyFamily(options.segment, METRICS_INFO, name, help, {}, detail::c_options(options, {})) {}

  // States facts of this process, shown as long as it lives; see metrics_info_state(). To replace
  // what was stated, call clear() first. Throws std::invalid_argument for label names that break
  // the rules.
  void state(const NamedValues& facts) const {
    const detail::Split split(facts);
    detail::check(metrics_info_state(get(), split.names.data(), split.values.data(), facts.size()));
  }
  // Removes the series with these facts.
  void remove(const NamedValues& facts) const {
    std::vector<const char*> pairs;
    for (const auto& [name, value] : facts)
      pairs.insert(pairs.end(), {name.c_str(), value.c_str()});
    detail::check(metrics_remove(get(), pairs.data(), pairs.size()));
  }
};

// States facts that will not be replaced: makes the family and its only statement.
inline Family<Info> info(const std::string& name, const std::string& help, const NamedValues& facts,
                         const Segment& segment = {}) {
  Family<Info> family(name, help, {.segment = segment});
  family.state(facts);
  return family;
}

}  // namespace metrics

#endif  // C++20
