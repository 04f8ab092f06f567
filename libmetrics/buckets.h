// buckets.h -- finding an observation's bucket, the only real work in an update.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace metrics::core {

// A histogram's bounds, laid out for the search.
class Bounds {
 public:
  using Find = std::uint32_t (*)(const double* bounds, std::uint32_t padded, double value);

  // bounds: ascending and finite.
  explicit Bounds(std::span<const double> bounds);

  const double* data() const noexcept { return data_.get(); }
  std::uint32_t count() const noexcept { return count_; }
  std::uint32_t padded() const noexcept { return padded_; }  // +Inf fills up to here
  Find find() const noexcept { return find_; }

  // The index of the bucket that `value` belongs to: the number of bounds below it, so `le` is inclusive
  // and count() is the +Inf bucket. Not NaN.
  std::uint32_t bucket(double value) const noexcept { return find_(data_.get(), padded_, value); }

 private:
  struct Free {
    void operator()(double* p) const noexcept;
  };
  std::uint32_t count_;
  std::uint32_t padded_;
  std::unique_ptr<double[], Free> data_;
  Find find_;
};

// Every search that this CPU can run for that many bounds, the chosen one first; for tests and the benchmark.
struct NamedFind {
  const char* name;
  Bounds::Find find;
};
std::vector<NamedFind> searches(std::uint32_t bound_count);

// Prometheus's default bounds for durations in seconds.
std::span<const double> default_bounds() noexcept;

}  // namespace metrics::core
