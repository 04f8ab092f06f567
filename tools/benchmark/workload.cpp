#include "tools/benchmark/workload.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <latch>
#include <optional>
#include <stdexcept>
#include <thread>

#include "metrics/metrics.hpp"
#include "tools/benchmark/catalogue.h"

namespace metrics::bench {
namespace {

struct Handles {
  std::vector<Histogram> histograms;
  std::vector<Gauge> gauges;
  std::vector<StateSet> states;
};

constexpr std::size_t kNativeCells = 262;
constexpr std::size_t kPopulated = 75;
// Returns a value of that native bucket, one after the other from a millisecond on.
double native_value(std::size_t bucket) {
  return 0.001 * std::exp2(static_cast<double>(bucket) / 8);
}

std::vector<double> bounds_of(const Workload& w) {
  if (w.native) return {};
  return w.bounds == 0 ? bounds18() : odd_bounds(w.bounds);
}

Handles define(const std::string& path, const Workload& w) {
  const Catalogue c = catalogue(w.times);
  const std::vector<double> bounds = bounds_of(w);
  const Geometry geometry{static_cast<std::uint32_t>(w.workers + 1),
                          static_cast<std::uint32_t>(w.threads + 1),
                          c.series.size() * (bounds.size() + 2 + (w.native ? kNativeCells : 0)) +
                              3 * (w.gauges + w.states + w.each) + 16,
                          (1u << 20) + w.times * (64u << 10)};
  const Segment segment(path, geometry);
  if (segment.status() != METRICS_OK) throw std::runtime_error(segment.why());
  std::vector<Family<Histogram>> families;
  for (const std::string& name : c.families) {
    families.emplace_back(
        name, c.help, LabelNames{"type", "hostname"},
        Histogram::Options{.bounds = Bounds(bounds),
                           .segment = segment,
                           .native = w.native ? std::optional(Native{}) : std::nullopt});
  }
  Handles handles;
  for (const CatalogueSeries& s : c.series) {
    handles.histograms.push_back(families[s.family].labels(s.type, c.hostname));
  }
  for (std::size_t i = 0; i < w.gauges; ++i) {
    handles.gauges.push_back(Family<Gauge>("engine_running_" + std::to_string(i), "", {},
                                           {.mode = Mode::kLiveSum, .segment = segment})
                                 .labels());
  }
  for (std::size_t i = 0; i < w.states; ++i) {
    handles.states.push_back(
        Family<StateSet>("engine_state_" + std::to_string(i), "", {},
                         {{"idle", "running", "scheduling", "stuck"}, Mode::kLiveSum, segment})
            .labels());
  }
  for (std::size_t i = 0; i < w.each; ++i) {
    handles.gauges.push_back(Family<Gauge>("engine_load_" + std::to_string(i), "", {},
                                           {.mode = Mode::kAll, .segment = segment})
                                 .labels());
  }
  return handles;
}

void work(Handles& handles, std::size_t worker, const Workload& w) {
  const std::vector<double> bounds = bounds_of(w);
  for (std::size_t s = 0; s < handles.histograms.size(); ++s) {
    if (w.sparse && s != worker % handles.histograms.size()) continue;
    if (w.native) {
      for (std::size_t k = 0; k < kPopulated; ++k) handles.histograms[s].observe(native_value(k));
      continue;
    }
    for (std::size_t b = 0; b <= bounds.size(); ++b) {
      for (std::uint64_t k = 0; k < bucket_count(worker, s, b); ++k) {
        handles.histograms[s].observe(bucket_value(b, bounds));
      }
    }
  }
  for (Gauge& gauge : handles.gauges) gauge.set(static_cast<double>(worker));
  for (StateSet& state : handles.states) state.set(worker % 4);
}

// Starts a worker and returns when it has counted. The worker stays until it is killed.
pid_t start_worker(Handles& handles, std::size_t worker, const Workload& w, bool with_threads) {
  int told[2];
  if (::pipe(told) != 0) throw std::runtime_error("no pipe");
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no process");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    work(handles, worker, w);
    std::latch counted(with_threads ? static_cast<std::ptrdiff_t>(w.threads) : 0);
    pthread_attr_t small;
    ::pthread_attr_init(&small);
    ::pthread_attr_setstacksize(&small, 64 * 1024);
    struct Task {
      Handles* handles;
      const Workload* workload;
      std::latch* counted;
      std::size_t worker;
    };
    for (std::size_t i = 0; with_threads && i < w.threads; ++i) {
      pthread_t thread;
      auto* task = new Task{&handles, &w, &counted, worker + 1 + i};
      const auto run = [](void* given) -> void* {
        const Task& t = *static_cast<Task*>(given);
        work(*t.handles, t.worker, *t.workload);
        t.counted->count_down();
        for (;;) ::pause();
      };
      if (::pthread_create(&thread, &small, run, task) != 0) ::_exit(1);
    }
    counted.wait();
    [[maybe_unused]] const auto sent = ::write(told[1], "x", 1);
    for (;;) ::pause();
  }
  ::close(told[1]);
  char byte;
  const bool counted = ::read(told[0], &byte, 1) == 1;
  ::close(told[0]);
  if (!counted) throw std::runtime_error("a worker ended");
  return child;
}

void end(pid_t child) {
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace

Crowd::Crowd(const Workload& w) {
  static int made = 0;
  path_ = "/dev/shm/metrics-bench-" + std::to_string(::getpid()) + '-' + std::to_string(++made);
  Handles handles = define(path_, w);
  for (std::size_t g = 0; g < w.generations; ++g) {
    for (const pid_t worker : workers_) end(worker);
    workers_.clear();
    for (std::size_t i = 0; i < w.workers; ++i) {
      workers_.push_back(start_worker(handles, i, w, i == 0));
    }
  }
}

Crowd::~Crowd() {
  for (const pid_t worker : workers_) end(worker);
  ::unlink(file().c_str());
}

}  // namespace metrics::bench
