// own.h -- what one metric object has counted in this process: the view of one registry.
//
// A series of the segment is shared: by all processes, and by all objects of one name in this one.
// A registry of the program's own collects only what its own objects have counted here, as
// prometheus_client's registries do. So each object keeps these numbers beside its series, whether
// or not the segment has room for that.
//
// The GIL guards them. A forked child has a copy of them. Its counters begin at 0, since its
// parent still has what it has counted before; its gauges stay as they were set.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace metrics::python {

// The upper bounds of a histogram's buckets, without +Inf, which its children share. Empty for a
// summary, which has one bucket.
using Bounds = std::vector<double>;

class Own {
 public:
  // Adds to a counter's value, or to a sum.
  void count(double amount) noexcept {
    if (life_ != process_life) restart();
    value_ += amount;
  }
  // Changes a gauge's value.
  void set(double value) noexcept { value_ = value; }
  void add(double amount) noexcept { value_ += amount; }

  // Counts an observation in bucket `at`; does nothing for one that is out of range.
  void observe(std::uint32_t at, double value) noexcept {
    count(value);
    if (at < counts_.size()) counts_[at] += 1;
  }

  // Returns the index of the value's bucket.
  std::uint32_t bucket(double value) const noexcept;
  // Notes whether a series' bounds, of which there are `padded`, +Inf after the last, are these
  // ones, so that its search finds this object's bucket too.
  void compare(const double* bounds, std::uint32_t padded) noexcept;
  bool has_bounds_of_series() const noexcept { return same_bounds_; }

  // Gives a histogram or summary its buckets. May throw std::bad_alloc.
  void begin_buckets(std::shared_ptr<const Bounds> bounds);
  const std::shared_ptr<const Bounds>& bounds() const noexcept { return bounds_; }

  // Returns a gauge's value.
  double value() const noexcept { return value_; }
  // Returns a counter's value, or a sum.
  double counted() noexcept {
    if (life_ != process_life) restart();
    return value_;
  }
  // Returns the counts of the buckets, not cumulative. The reference may be written to.
  std::vector<double>& counts() noexcept {
    if (life_ != process_life) restart();
    return counts_;
  }

  // Begins anew at 0.
  void restart() noexcept;

  // Makes counters begin anew in forked children from now on. Must be called once.
  static void watch_forks() noexcept;

 private:
  static std::uint64_t process_life;  // one more in each forked child

  double value_ = 0;
  bool same_bounds_ = false;
  std::uint64_t life_ = 0;  // 0 is no process's
  std::vector<double> counts_;
  std::shared_ptr<const Bounds> bounds_;
};

}  // namespace metrics::python
