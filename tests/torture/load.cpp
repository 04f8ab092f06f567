#include "tests/torture/load.h"

#include <unistd.h>

#include <random>

#include "metrics/metrics.hpp"
#include "tests/torture/processes.h"

namespace metrics::torture {

Load::Load(Run& run, const std::string& path, unsigned workers) {
  for (unsigned w = 0; w < workers; ++w) {
    pids_.push_back(start([path, seed = run.random()] {
      if (::nice(10) == -1) ::_exit(72);
      const Segment segment(path, {128, 64, 64 * 1024, 4 << 20});
      const Family<Counter> counters("c", "", {"n"}, {.segment = segment});
      const Family<Histogram> histograms("h", "", {"n"}, {.segment = segment});
      const auto live =
          Family<metrics::Gauge>("live", "", {}, {.mode = Mode::kLiveSum, .segment = segment})
              .labels();
      std::mt19937_64 random(seed);
      for (metrics::Gauge gauge = live;;) {
        const std::string n = std::to_string(random() % 300);
        counters.labels(n).inc();
        histograms.labels(n).observe(static_cast<double>(random() % 100) / 10);
        gauge.set(static_cast<double>(random() % 10));
      }
    }));
  }
}

Load::~Load() {
  for (const pid_t pid : pids_) kill_and_reap(pid);
}

}  // namespace metrics::torture
