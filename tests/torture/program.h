// program.h -- a program under test that acknowledges its updates, and what a scrape of it has to
// show.
#pragma once

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "metrics/metrics.hpp"
#include "tests/torture/ledger.h"
#include "tests/torture/processes.h"
#include "tests/torture/run.h"

namespace metrics::torture {

// What has been acknowledged; in memory of its own.
struct Tally {
  std::atomic<std::uint64_t> counts;    // of "c"
  std::atomic<std::uint64_t> observed;  // of "h", each 0.5
};

inline constexpr Geometry kProgramGeometry = {32, 64, 8 * 1024, 1 << 20};

// Metrics that are made before any fork.
struct Program {
  Program(const std::string& path, Tally& noted, const Geometry& geometry = kProgramGeometry)
      : segment(path, geometry),
        counter(Family<Counter>("c", "", {}, {.segment = segment}).labels()),
        histogram(Family<Histogram>("h", "", {}, {.bounds = {1, 2}, .segment = segment}).labels()),
        gauge(
            Family<metrics::Gauge>("g", "", {}, {.mode = Mode::kSum, .segment = segment}).labels()),
        tally(noted) {}

  void update(unsigned n = 1) {
    for (unsigned i = 0; i < n; ++i) {
      counter.inc();
      tally.counts.fetch_add(1);
      histogram.observe(0.5);
      tally.observed.fetch_add(1);
    }
  }
  Segment segment;
  Counter counter;
  Histogram histogram;
  metrics::Gauge gauge;
  Tally& tally;
};

// A scrape shows exactly what was acknowledged, of a sound segment.
void compare(Run& run, const std::string& what, const std::string& path, const Tally& tally);

inline void must(bool fine, const std::string& what) {
  if (!fine) throw std::runtime_error(what);
}

inline void must_end_well(pid_t pid, const std::string& what) {
  must(pid > 0, what + ": no process");
  const auto status = wait_for(pid, std::chrono::seconds(30));
  must(well(status), what + " ended by " + to_text(status));
}

}  // namespace metrics::torture
