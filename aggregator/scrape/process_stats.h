// process_stats.h -- the process_* metrics, as Prometheus's client libraries define them.
#pragma once

#include <cstdint>

namespace metrics::scrape {

struct ProcessStats {
  double cpu_seconds = 0;
  double start_time_seconds = 0;  // since the epoch
  std::uint64_t resident_bytes = 0, virtual_bytes = 0;
  std::uint64_t open_fds = 0, max_fds = 0;
};

// Returns the figures of this process; those that /proc does not have stay 0.
ProcessStats process_stats();
// Returns ProcessStats::cpu_seconds alone, without reading /proc.
double process_cpu_seconds() noexcept;

}  // namespace metrics::scrape
