// catalogue.h -- the data of all measurements: bounds, observations, and families as a workflow
// engine has them. It does not use the library, so that floors and peers can have the same data.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace metrics::bench {

inline const std::vector<double>& bounds18() {
  static const std::vector<double> bounds = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75,
                                             1,     2.5,  5,     7.5,  10,    25,  50,   75,  100};
  return bounds;
}

// Returns `count` bounds over about the same range, none of which is a round number.
inline std::vector<double> odd_bounds(std::size_t count) {
  std::vector<double> bounds;
  const double factor = std::pow(30000.0, 1.0 / static_cast<double>(count));
  for (double bound = 0.00371; bounds.size() < count; bound *= factor) bounds.push_back(bound);
  return bounds;
}

inline std::uint64_t next_random(std::uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 11;
}

// Returns durations, evenly spread over the magnitudes from a millisecond to a hundred seconds.
inline constexpr std::size_t kObservations = 1024;
inline const std::array<double, kObservations>& observations() {
  static const auto values = [] {
    std::array<double, kObservations> made{};
    std::uint64_t state = 42;
    for (double& v : made) {
      v = 0.001 * std::pow(10.0, 5 * static_cast<double>(next_random(state)) * 0x1p-53);
    }
    return made;
  }();
  return values;
}

// The catalogue has 39 histogram families of 18 bounds with 85 series: 1,700 cells. A larger one
// has `times` as many families.
struct CatalogueSeries {
  std::size_t family;
  std::string type;
};
struct Catalogue {
  std::vector<std::string> families;  // names
  std::string help = "time spent on one part of a node";
  std::string hostname = "worker-7d9f5b6c8-x2x4z";
  std::vector<CatalogueSeries> series;
};
inline constexpr std::size_t kCatalogueSeries = 85;
inline Catalogue catalogue(std::size_t times = 1) {
  constexpr std::size_t kFamilies = 39;
  constexpr std::size_t kOfThree = 23;  // families with three series, the others have one
  Catalogue c;
  for (std::size_t i = 0; i < kFamilies * times; ++i) {
    c.families.push_back("engine_node_execute_part_time_" + std::to_string(i));
    const std::size_t count = i % kFamilies < kOfThree ? 3 : 1;
    for (std::size_t k = 0; k < count; ++k) {
      c.series.push_back({i, "ServiceActivity" + std::to_string(k)});
    }
  }
  return c;
}

// Returns how often a worker has observed a value of that bucket.
inline std::uint64_t bucket_count(std::size_t worker, std::size_t series, std::size_t bucket) {
  return 1 + (worker * 7 + series * 13 + bucket * 31) % 97;
}
// Returns the value that it has observed each time.
inline double bucket_value(std::size_t bucket, const std::vector<double>& bounds = bounds18()) {
  return bucket == 0 ? bounds[0] / 3 : bounds[bucket - 1] * 1.1;
}

}  // namespace metrics::bench
