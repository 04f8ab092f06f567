// write_golden.cpp -- write_golden PATH: makes the segment that is kept here for this version of
// the format. Run it once for each version, by the library as it is released, and never again for
// an old one: see README.md.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include "libmetrics/reader/reader.h"
#include "metrics/metrics.hpp"

namespace {

using namespace metrics;

void started(const std::function<void()>& body, int signal = 0) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    body();
    if (signal != 0) ::raise(signal);
    ::_exit(0);
  }
  ::waitpid(pid, nullptr, 0);
}

// Every type and mode, labels that need escapes, a series that is removed, and a second thread.
void count(const Segment& segment) {
  const Family<Counter> tasks("tasks", "Help with \\ and\na second line.", {"name"},
                              {.segment = segment});
  const Family<Histogram> seconds("time_seconds", "Buckets.", {"name"},
                                  {.unit = "seconds", .bounds = {0.5, 1, 2.5}, .segment = segment});
  const Family<Summary> sizes("sizes", "", {}, {.segment = segment});
  const auto work = [&] {
    for (const char* name : {"plain", "with \"quotes\"", "\xc3\xa4", ""}) {
      tasks.labels(name).inc(3);
      tasks.labels(name).inc(0.25);
      seconds.labels(name).observe(0.7);
      seconds.labels(name).observe(7);
    }
    sizes.observe(2);
  };
  work();
  std::thread(work).join();
  for (int mode = METRICS_ALL; mode <= METRICS_LIVEMOSTRECENT; ++mode) {
    Family<Gauge>("gauge_" + std::to_string(mode), "", {},
                  {.mode = static_cast<Mode>(mode), .segment = segment})
        .set(mode + 0.5);
  }
  for (const Mode mode :
       {Mode::kAll, Mode::kLiveAll, Mode::kLiveSum, Mode::kMostRecent, Mode::kLiveMostRecent}) {
    Family<StateSet>("state_" + std::to_string(static_cast<int>(mode)), "", {"of"},
                     {{"idle", "with \"quotes\"", "busy"}, mode, segment})
        .labels("it")
        .set(1);
  }
  const Family<Histogram> native(
      "native_seconds", "", {"name"},
      {.bounds = {0.5, 1}, .segment = segment, .native = Native{1.5, 0.125, 8, true}});
  for (const double value : {0.0, 0.3, 0.7, 0.7, 100.0, -3.0}) native.labels("a").observe(value);
  const Family<Counter> errors("errors", "", {}, {.segment = segment, .exemplars = true});
  errors.labels().inc(2, {{"trace_id", "4bf92f35"}});
  const Family<Histogram> waits("waits", "", {},
                                {.bounds = {1}, .segment = segment, .exemplars = true});
  waits.labels().observe(0.5, {{"trace_id", "00f067aa"}});
  waits.labels().observe(3, {{"trace_id", "0ba902b7"}, {"of", "\xc3\xa4"}});
  info("build", "Facts.", {{"version", "1"}}, segment);
  Family<Info>("last", "Facts that stay.", {.segment = segment, .mode = Mode::kMostRecent})
      .state({{"version", "1"}});
  tasks.labels("removed").inc();
  tasks.remove({"removed"});
}

// A release with other definitions, and one with a family that can't be served beside another.
void count_otherwise(const Segment& segment) {
  Family<Histogram>("time_seconds", "Finer buckets.", {"name", "zone"},
                    {.unit = "seconds", .bounds = {0.25, 1, 5}, .segment = segment})
      .labels("plain", "")
      .observe(0.1);
  Family<Counter>("tasks", "Tasks.", {"zone", "name"}, {.segment = segment})
      .labels("z", "plain")
      .inc(100);
  Family<Histogram>("native_seconds", "Coarser.", {"name"},
                    {.bounds = {0.25, 1}, .segment = segment, .native = Native{2, 0.25, 4}})
      .labels("a")
      .observe(0.2);
  Family<StateSet>("state_8", "", {"of"}, {{"busy", "gone"}, Mode::kMostRecent, segment})
      .labels("it")
      .set("gone");
  Family<Gauge>("sizes_count", "Hides the summary.", {}, {.mode = Mode::kMax, .segment = segment})
      .set(1);
}

// A pid namespace that is none: readers then always show pids as foreign ones.
void forget_pid_namespaces(const std::string& file) {
  reader::Reader reader(file);
  if (!reader.look()) std::abort();
  const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  for (const format::SlotIndex slot : reader.used_slots()) {
    const std::uint64_t none = 1;
    const std::uint64_t at =
        reader.geometry().head_offset(slot) + offsetof(format::Head, pid_namespace);
    if (slot > 0 && ::pwrite(fd, &none, sizeof none, static_cast<off_t>(at)) != sizeof none) {
      std::abort();
    }
  }
  ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_golden PATH\n");
    return 2;
  }
  const Segment segment(argv[1], {4, 4, 512, 32768});
  if (segment.status() != METRICS_OK) {
    std::fprintf(stderr, "write_golden: %s\n", segment.why().c_str());
    return 1;
  }
  started([&] {  // lives while the others count, so that they get slots of their own
    count(segment);
    started([&] { count(segment); }, SIGKILL);
  });
  started([&] { count_otherwise(segment); }, SIGKILL);
  forget_pid_namespaces(metrics_segment_path(segment.get()));
  return 0;
}
