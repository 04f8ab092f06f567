// latencies.h -- how long updates take: a histogram of nanoseconds that allocates nothing, so that
// it can lie in memory that processes share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace metrics::torture {

// Each power of two is divided into eight classes.
class Latencies {
 public:
  void add(std::uint64_t ns);
  std::uint64_t count() const { return count_; }
  // Returns the least value of the class in which that share of all latencies ends; 0.5: the
  // median's.
  std::uint64_t percentile(double share) const;

 private:
  static constexpr std::size_t kClasses = 40 * 8;
  std::array<std::uint64_t, kClasses> classes_{};
  std::uint64_t count_ = 0;
};

}  // namespace metrics::torture
