#include "aggregator/scrape/process_stats.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace metrics::scrape {
namespace {

double seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

double clock_seconds(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

// Reads fields 22 to 24 of /proc/self/stat: start in ticks after boot, virtual size, resident
// pages.
void read_stat(ProcessStats& stats) {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t end_of_command = text.rfind(')');
  if (end_of_command == std::string::npos) return;
  std::size_t at = end_of_command + 2;
  for (int number = 3; number < 22 && at != std::string::npos; ++number)
    at = text.find(' ', at) + 1;
  unsigned long long start = 0, size = 0, pages = 0;
  if (std::sscanf(text.c_str() + at, "%llu %llu %llu", &start, &size, &pages) != 3) return;
  const double since_boot =
      static_cast<double>(start) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  // Computed only once: the two clocks can't be read at the same moment, so the result varies, and
  // a start time that moves looks like a restart.
  static const double boot = clock_seconds(CLOCK_REALTIME) - clock_seconds(CLOCK_BOOTTIME);
  stats.start_time_seconds = boot + since_boot;
  stats.virtual_bytes = size;
  stats.resident_bytes = pages * static_cast<unsigned long long>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

double process_cpu_seconds() noexcept {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

ProcessStats process_stats() {
  ProcessStats stats;
  stats.cpu_seconds = process_cpu_seconds();
  read_stat(stats);
  std::error_code error;
  for (auto fd = std::filesystem::directory_iterator("/proc/self/fd", error);
       !error && fd != std::filesystem::directory_iterator(); fd.increment(error)) {
    ++stats.open_fds;
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_fds = limit.rlim_cur;
  return stats;
}

}  // namespace metrics::scrape
