// metrics.hpp -- the C++20 API: a header over the C ABI of metrics.h, with the updates inlined by
// hot.h.
//
//   metrics::Family<metrics::Counter> tasks{"tasks_total", "Tasks finished.", {"type"}};
//   metrics::Counter images = tasks.labels("image");   // keep it: looking up labels costs ten times an update
//   ...fork, fork, fork...
//   images.inc();
//
// What is said in metrics.h holds here. In short: everything may be called by any thread, before
// and after fork(); updates never block, allocate or throw. Definitions that are against the rules
// throw std::invalid_argument with a text that says what to write instead. What the surroundings
// lack (space, permission, a family of that name that differs) never throws: it is logged once, and
// what can't be counted is not. Strings end at their first NUL, as in C: values of labels that
// differ behind it only are one series.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
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
// Programming errors throw; METRICS_OK and what the surroundings lack pass.
// What labels() hands on without a copy.
template <class Value>
concept ends_with_nul =
    std::convertible_to<const Value&, const char*> || std::same_as<Value, std::string>;

inline void check(metrics_status status) {
  if (status == METRICS_INVALID) throw std::invalid_argument(metrics_last_error());
}
}  // namespace detail

using Geometry = metrics_geometry;

// Where metrics are counted. Cheap to copy; what it names lives until the process ends.
class Segment {
 public:
  // The default segment, as metrics_default().
  Segment() noexcept : segment_(metrics_default()) {}
  // The segment of that path, as metrics_open(); created with that geometry if there is none.
  // Throws std::invalid_argument for a path or geometry against the rules; for other failures see
  // status().
  explicit Segment(const std::string& path, const Geometry& geometry = {}) {
    const metrics_status status = metrics_open(path.c_str(), &geometry, &segment_);
    detail::check(status);
  }

  std::string path() const { return metrics_segment_path(segment_); }
  // METRICS_OK while this process is counted in slots of its own; else the first reason why not.
  metrics_status status() const noexcept { return metrics_segment_status(segment_); }
  // The status in words; empty if it is METRICS_OK.
  std::string why() const { return status() == METRICS_OK ? "" : metrics_last_error(); }
  metrics_segment* get() const noexcept { return segment_; }

 private:
  metrics_segment* segment_ = nullptr;
};

// A count that only goes up. Copies count into the same series.
class Counter {
 public:
  Counter() noexcept = default;  // counts nothing
  explicit Counter(metrics_counter* counter) noexcept {
    if (counter != nullptr) hot_ = *counter;
  }

  // Adds n. A negative number is ignored and counted as dropped.
  template <std::integral T = unsigned>
  void inc(T n = 1) noexcept {
    if constexpr (std::is_signed_v<T>) {
      if (n < 0) [[unlikely]] {
        metrics_counter_add(&hot_, -1);
        return;
      }
    }
    if (std::uint64_t* cells = metrics_hot_cells(hot_.segment); cells != nullptr) [[likely]] {
      metrics_hot_count(cells + hot_.cell, static_cast<std::uint64_t>(n));
    } else {
      metrics_counter_inc(&hot_, static_cast<std::uint64_t>(n));
    }
  }
  // Adds an amount that need not be whole. A negative one, and NaN, is ignored and counted as
  // dropped.
  void inc(double amount) noexcept {
    if (amount >= 0 && amount < METRICS_HOT_EXACT) [[likely]] {
      if (std::uint64_t* cells = metrics_hot_cells(hot_.segment); cells != nullptr) [[likely]] {
        metrics_hot_add(cells, &hot_, amount);
        return;
      }
    }
    metrics_counter_add(&hot_, amount);
  }

 private:
  metrics_counter hot_ = {METRICS_NOWHERE, 0};
};

class InProgress;
class Timer;

// A value that goes up and down, this process's.
class Gauge {
 public:
  Gauge() noexcept = default;  // sets nothing
  explicit Gauge(metrics_gauge* gauge) noexcept : gauge_(gauge) {}

  void set(double value) noexcept {
    if (gauge_ == nullptr || !metrics_hot_set(gauge_, value)) [[unlikely]] {
      metrics_gauge_set(gauge_, value);
    }
  }
  void inc(double amount = 1) noexcept { metrics_gauge_add(gauge_, amount); }
  void dec(double amount = 1) noexcept { metrics_gauge_add(gauge_, -amount); }
  void set_to_current_time() noexcept { metrics_gauge_set_to_current_time(gauge_); }

  // One more for as long as the guard lives.
  [[nodiscard]] InProgress track_inprogress() const noexcept;

 private:
  metrics_gauge* gauge_ = nullptr;
};

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

// Observations in buckets.
class Histogram {
 public:
  Histogram() noexcept = default;  // observes nothing
  explicit Histogram(metrics_histogram* histogram) noexcept : histogram_(histogram) {}

  // NaN is ignored and counted as dropped; negative values are legal.
  void observe(double value) noexcept {
    if (histogram_ != nullptr && value == value) [[likely]] {
      if (std::uint64_t* cells = metrics_hot_cells(histogram_->segment); cells != nullptr)
          [[likely]] {
        histogram_->observe(cells + histogram_->cell, histogram_, value);
        return;
      }
    }
    metrics_histogram_observe(histogram_, value);
  }

  // Observes the seconds until the timer ends, however its scope is left.
  [[nodiscard]] Timer time() const noexcept;

 private:
  metrics_histogram* histogram_ = nullptr;
};

class Timer {
 public:
  explicit Timer(Histogram histogram) noexcept
      : histogram_(histogram), start_(std::chrono::steady_clock::now()) {}
  Timer(Timer&& other) noexcept
      : histogram_(std::exchange(other.histogram_, Histogram())), start_(other.start_) {}
  Timer& operator=(Timer&&) = delete;
  ~Timer() {
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start_;
    histogram_.observe(taken.count());
  }

 private:
  Histogram histogram_;
  std::chrono::steady_clock::time_point start_;
};
inline Timer Histogram::time() const noexcept { return Timer(*this); }

// Counts and sums, without quantiles: those can't be merged over processes.
class Summary : public Histogram {
 public:
  using Histogram::Histogram;
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
  Bounds(std::initializer_list<double> bounds) : bounds_(bounds) {}
  explicit Bounds(std::vector<double> bounds) : bounds_(std::move(bounds)) {}
  // count bounds, the first is start. Throw std::invalid_argument as metrics_linear_bounds and
  // metrics_exponential_bounds fail.
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

 private:
  std::vector<double> bounds_;
};

// What a definition may have beyond name, help and label names.
struct Options {
  std::string unit = {};   // becomes the name's ending
  Mode mode = Mode::kAll;  // of a gauge: how the processes' values become one
  Bounds bounds = {};      // of a histogram
  Segment segment = {};    // where it is counted
};

using Labels = std::vector<std::string>;

// A name with all its series: Family<Counter>, Family<Gauge>, Family<Histogram>, Family<Summary>.
// Cheap to copy; make it where you like, once or often: the same definition is the same family, in
// all processes.
template <class Metric>
class Family {
 public:
  // Throws std::invalid_argument if a name, label or bound is against Prometheus's rules.
  Family(const std::string& name, const std::string& help, const Labels& labels = {},
         const Options& options = {}) {
    std::vector<const char*> names;
    for (const std::string& label : labels) names.push_back(label.c_str());
    detail::check(open(name.c_str(), help.c_str(), names, options));
  }

  // The series with these label values, in the order of the label names. Throws
  // std::invalid_argument if their number is wrong. One that there is no room for counts nothing.
  template <class... Values>
  requires(detail::ends_with_nul<Values>&&...) Metric labels(const Values&... values)
  const {
    const std::array<const char*, sizeof...(Values)> pointers = {pointer(values)...};
    return find(pointers.data(), pointers.size());
  }
  template <class... Values>
  requires((std::convertible_to<const Values&, std::string_view> && ...) &&
           !(detail::ends_with_nul<Values> && ...)) Metric labels(const Values&... values)
  const { return labels(Labels{std::string(static_cast<std::string_view>(values))...}); }
  Metric labels(const Labels& values) const {
    std::vector<const char*> pointers;
    for (const std::string& value : values) pointers.push_back(value.c_str());
    return find(pointers.data(), pointers.size());
  }

  // Removes a series, or all, for all processes; see metrics_remove.
  void remove(const Labels& values) {
    std::vector<const char*> pointers;
    for (const std::string& value : values) pointers.push_back(value.c_str());
    detail::check(metrics_remove(family_, pointers.data(), pointers.size()));
  }
  void clear() { detail::check(metrics_clear(family_)); }

 private:
  static const char* pointer(const char* s) { return s; }
  static const char* pointer(const std::string& s) { return s.c_str(); }

  metrics_status open(const char* name, const char* help, const std::vector<const char*>& labels,
                      const Options& o) {
    metrics_segment* segment = o.segment.get();
    const char* unit = o.unit.c_str();
    const char* const* names = labels.data();
    if constexpr (std::is_same_v<Metric, Counter>) {
      return metrics_counter_family(segment, name, help, unit, names, labels.size(), &family_);
    } else if constexpr (std::is_same_v<Metric, Gauge>) {
      return metrics_gauge_family(segment, name, help, unit, names, labels.size(),
                                  static_cast<metrics_mode>(o.mode), &family_);
    } else if constexpr (std::is_same_v<Metric, Histogram>) {
      const std::vector<double>& bounds = o.bounds.values();
      return metrics_histogram_family(segment, name, help, unit, names, labels.size(),
                                      bounds.empty() ? nullptr : bounds.data(), bounds.size(),
                                      &family_);
    } else {
      static_assert(std::is_same_v<Metric, Summary>, "Counter, Gauge, Histogram or Summary");
      return metrics_summary_family(segment, name, help, unit, names, labels.size(), &family_);
    }
  }

  Metric find(const char* const* values, std::size_t count) const {
    if constexpr (std::is_same_v<Metric, Counter>) {
      metrics_counter* counter = nullptr;
      detail::check(metrics_counter_labels(family_, values, count, &counter));
      return Counter(counter);
    } else if constexpr (std::is_same_v<Metric, Gauge>) {
      metrics_gauge* gauge = nullptr;
      detail::check(metrics_gauge_labels(family_, values, count, &gauge));
      return Gauge(gauge);
    } else {
      metrics_histogram* histogram = nullptr;
      detail::check(metrics_histogram_labels(family_, values, count, &histogram));
      return Metric(histogram);
    }
  }

  metrics_family* family_ = nullptr;
};

// States a fact in labels: `name_info{labels} 1`. Throws std::invalid_argument for names against
// the rules.
inline void info(const std::string& name, const std::string& help,
                 const std::vector<std::pair<std::string, std::string>>& facts,
                 const Segment& segment = {}) {
  metrics_family* family = nullptr;
  detail::check(metrics_info_family(segment.get(), name.c_str(), help.c_str(), &family));
  std::vector<const char*> names, values;
  for (const auto& [label, value] : facts) {
    names.push_back(label.c_str());
    values.push_back(value.c_str());
  }
  detail::check(metrics_info_state(family, names.data(), values.data(), facts.size()));
}

// Removes every series of the info, so that the next info() replaces what was stated.
inline void clear_info(const std::string& name, const std::string& help,
                       const Segment& segment = {}) {
  metrics_family* family = nullptr;
  detail::check(metrics_info_family(segment.get(), name.c_str(), help.c_str(), &family));
  detail::check(metrics_clear(family));
}

}  // namespace metrics
