// ours_update.cpp -- measurements of updates and start-up, with the shared library as it is
// shipped.
#include "tools/benchmark/ours_update.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "metrics/metrics.hpp"

namespace metrics::bench {
namespace {

constexpr Abi kLinked = {
    &metrics_open,         &metrics_family_of,        &metrics_counter_labels,
    &metrics_gauge_labels, &metrics_histogram_labels, &metrics_counter_inc,
    &metrics_counter_add,  &metrics_gauge_set,        &metrics_histogram_observe,
    &metrics_now};

struct Handles {
  Segment segment;
  std::vector<Counter> counters;
  std::vector<Gauge> gauges;
  std::vector<StateSet> counted_states, recent_states;
  Histogram histogram18, histogram4, histogram64, histogram18odd, native, native_and_explicit;
  Family<Histogram> labelled, traced;
};

Histogram histogram(const Segment& segment, const std::string& name,
                    const std::vector<double>& bounds) {
  return Family<Histogram>(name, "", {}, {.bounds = Bounds(bounds), .segment = segment}).labels();
}

Histogram native_histogram(const Segment& segment, const std::string& name, const Bounds& bounds) {
  return Family<Histogram>(name, "", {}, {.bounds = bounds, .segment = segment, .native = Native{}})
      .labels();
}

Handles* make_handles(const std::string& path) {
  const Segment segment(path, {64, 64, 1 << 16, 1 << 20});
  Family<Counter> counter("bench_total", "", {"n"}, {.segment = segment});
  Family<Gauge> gauge("bench_size", "", {"n"}, {.mode = Mode::kLiveSum, .segment = segment});
  const auto states = [&](const std::string& name, Mode mode) {
    return Family<StateSet>(name, "", {"n"}, {{"idle", "busy", "stuck", "gone"}, mode, segment});
  };
  const auto counted = states("bench_counted", Mode::kLiveSum);
  const auto recent = states("bench_recent", Mode::kLiveMostRecent);
  auto* h = new Handles{segment,
                        {},
                        {},
                        {},
                        {},
                        histogram(segment, "bench18_seconds", bounds18()),
                        histogram(segment, "bench4_seconds", odd_bounds(4)),
                        histogram(segment, "bench64_seconds", odd_bounds(64)),
                        histogram(segment, "bench18odd_seconds", odd_bounds(18)),
                        native_histogram(segment, "native_seconds", Bounds(std::vector<double>{})),
                        native_histogram(segment, "native_and_explicit_seconds", Bounds()),
                        {"bench_labelled_seconds",
                         "",
                         {"type", "hostname"},
                         {.bounds = Bounds(bounds18()), .segment = segment}},
                        {"bench_traced_seconds",
                         "",
                         {},
                         {.bounds = Bounds(bounds18()), .segment = segment, .exemplars = true}}};
  for (std::size_t i = 0; i < kMany; ++i) {
    h->counters.push_back(counter.labels(std::to_string(i)));
    h->gauges.push_back(gauge.labels(std::to_string(i)));
    h->counted_states.push_back(counted.labels(std::to_string(i)));
    h->recent_states.push_back(recent.labels(std::to_string(i)));
  }
  h->counters[0].inc();
  return h;
}

Work observe(Histogram histogram) {
  return [histogram](std::uint64_t count) mutable {
    const auto& values = observations();
    for (std::uint64_t i = 0; i < count; ++i) histogram.observe(values[i % kObservations]);
  };
}

// Look-ups in a family that has as many series as it may have: of those, or of ever other label
// values.
constexpr std::uint32_t kLimit = 1000;

std::vector<std::string> paths(const std::string& before) {
  std::vector<std::string> all;
  for (std::uint32_t i = 0; i < kLimit; ++i) {
    all.push_back(before + std::to_string(i) + "/and-what-it-is");
  }
  return all;
}

Work lookups(Family<Histogram> family, const std::vector<std::string>& paths) {
  return [family, paths](std::uint64_t count) {
    const auto& values = observations();
    for (std::uint64_t i = 0; i < count; ++i) {
      family.labels(paths[i % kLimit], hostname()).observe(values[i % kObservations]);
    }
  };
}

Operations limited_operations(const Segment& segment) {
  const Family<Histogram> family(
      "bench_limited_seconds", "", {"path", "hostname"},
      {.bounds = Bounds(bounds18()), .segment = segment, .max_series = kLimit});
  const auto known = paths("/user/");
  for (const std::string& path : known) keep(family.labels(path, hostname()));
  return {{"lookup-1000", lookups(family, known)},
          {"lookup-beyond", lookups(family, paths("/x/"))}};
}

Operations operations(const std::shared_ptr<Handles>& h) {
  return {{"inc",
           [h](std::uint64_t count) {
             Counter* counters = h->counters.data();
             for (std::uint64_t i = 0; i < count; ++i) counters[i % kMany].inc();
           }},
          {"inc-one",
           [h](std::uint64_t count) {
             Counter counter = h->counters[0];
             for (std::uint64_t i = 0; i < count; ++i) counter.inc();
           }},
          {"add",
           [h](std::uint64_t count) {
             for (std::uint64_t i = 0; i < count; ++i) h->counters[i % kMany].inc(0.5);
           }},
          {"set",
           [h](std::uint64_t count) {
             for (std::uint64_t i = 0; i < count; ++i) {
               h->gauges[i % kMany].set(static_cast<double>(i));
             }
           }},
          {"state",
           [h](std::uint64_t count) {
             for (std::uint64_t i = 0; i < count; ++i) h->counted_states[i % kMany].set(i % 4);
           }},
          {"state-recent",
           [h](std::uint64_t count) {
             for (std::uint64_t i = 0; i < count; ++i) h->recent_states[i % kMany].set(i % 4);
           }},
          {"observe18", observe(h->histogram18)},
          {"observe4", observe(h->histogram4)},
          {"observe64", observe(h->histogram64)},
          {"observe18odd", observe(h->histogram18odd)},
          {"observe-native", observe(h->native)},
          {"observe-native-and-explicit", observe(h->native_and_explicit)},
          {"timer",
           [h](std::uint64_t count) {
             for (std::uint64_t i = 0; i < count; ++i) const auto timer = h->histogram18.time();
           }},
          {"exemplar18",
           [traced = h->traced.labels()](std::uint64_t count) {
             const auto& values = observations();
             for (std::uint64_t i = 0; i < count; ++i) {
               traced.observe(values[i % kObservations],
                              {{"trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"}});
             }
           }},
          {"lookup", [h](std::uint64_t count) {
             const auto& values = observations();
             for (std::uint64_t i = 0; i < count; ++i) {
               h->labelled.labels(types()[i % 3], hostname()).observe(values[i % kObservations]);
             }
           }}};
}

// Cold operations use this many series in a segment of their own. It is made when it is first
// needed, since the cells of that many histograms take 32 MB.
constexpr std::size_t kCold = 200'000;

// Measures an update of one of them, at random.
template <class Metric, class Update>
Measurement cold(Family<Metric> family, Update update) {
  auto all = std::make_shared<std::vector<Metric>>();
  all->reserve(kCold);
  for (std::size_t i = 0; i < kCold; ++i) all->push_back(family.labels(std::to_string(i)));
  std::uint64_t state = 7;
  return timed([all, state, update](std::uint64_t count) mutable {
    for (std::uint64_t i = 0; i < count; ++i) {
      update((*all)[next_random(state) % kCold], observations()[i % kObservations]);
    }
  });
}

Measurement cold_lookup(Family<Histogram> family) {
  auto values = std::make_shared<std::vector<std::string>>();
  for (std::size_t i = 0; i < kCold; ++i) values->push_back(std::to_string(i));
  for (const std::string& value : *values) keep(family.labels(value));
  std::uint64_t state = 7;
  return timed([family, values, state](std::uint64_t count) mutable {
    for (std::uint64_t i = 0; i < count; ++i) {
      family.labels((*values)[next_random(state) % kCold])
          .observe(observations()[i % kObservations]);
    }
  });
}

Measurement cold_in(const Segment& segment, const std::string& operation) {
  const Family<Histogram> histograms("cold_seconds", "", {"n"},
                                     {.bounds = Bounds(bounds18()), .segment = segment});
  if (operation == "inc") {
    return cold(Family<Counter>("cold_total", "", {"n"}, {.segment = segment}),
                [](Counter& c, double) { c.inc(); });
  }
  if (operation == "add") {
    return cold(Family<Counter>("cold_total", "", {"n"}, {.segment = segment}),
                [](Counter& c, double) { c.inc(0.5); });
  }
  if (operation == "set") {
    return cold(Family<Gauge>("cold_size", "", {"n"}, {.segment = segment}),
                [](Gauge& g, double value) { g.set(value); });
  }
  if (operation == "observe18") {
    return cold(histograms, [](Histogram& h, double value) { h.observe(value); });
  }
  if (operation == "timer") {
    return cold(histograms, [](Histogram& h, double) { const auto timer = h.time(); });
  }
  if (operation == "lookup") return cold_lookup(histograms);
  throw std::runtime_error("no such operation");
}

Measurement cold_operation(const std::string& operation) {
  const std::string path = own_segment(("cold-" + operation).c_str());
  const auto unnamed =
      std::shared_ptr<void>(nullptr, [path](void*) { ::unlink((path + ".v2").c_str()); });
  // An eighth of the cells is kept for families with few series.
  const Segment segment(path, {4, 4, kCold * 23, 64 << 20});
  Measurement measurement = cold_in(segment, operation);
  measurement(1);  // claims the slot while the file has its name
  return measurement;
}

// Reads the segment's file from its beginning to its end, once.
void scan_file(const std::string& file) {
  static std::vector<char> buffer(1 << 16);
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  off_t at = 0;
  while (::pread(fd, buffer.data(), buffer.size(), at) > 0) at += static_cast<off_t>(buffer.size());
  ::close(fd);
}

// Measures the first update of each of `parallel` children at once. A child writes its CPU time to
// a pipe. Returns the mean.
double first_update_ns(const Counter& counter, std::size_t parallel) {
  int told[2], go[2];
  if (::pipe(told) != 0 || ::pipe(go) != 0) throw std::runtime_error("no pipe");
  std::vector<pid_t> children;
  for (std::size_t i = 0; i < parallel; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      char byte;
      ::close(go[1]);
      [[maybe_unused]] const auto end = ::read(go[0], &byte, 1);  // until it is closed
      const double begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
      counter.inc();
      const double spent = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
      [[maybe_unused]] const auto sent = ::write(told[1], &spent, sizeof spent);
      ::pause();
    }
    children.push_back(child);
  }
  ::close(go[0]);
  ::close(go[1]);
  double sum = 0, spent = 0;
  for (std::size_t i = 0; i < parallel; ++i) {
    if (::read(told[0], &spent, sizeof spent) == sizeof spent) sum += spent;
  }
  for (const pid_t child : children) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  ::close(told[0]);
  ::close(told[1]);
  return sum / static_cast<double>(parallel);
}

Measurement first_update(const std::shared_ptr<Handles>& h, std::size_t parallel) {
  return [h, parallel](std::uint64_t count) {
    double sum = 0;
    for (std::uint64_t i = 0; i < count; ++i) sum += first_update_ns(h->counters[1], parallel);
    return sum;
  };
}

// Starts that many processes that each own a slot of the segment, until this one ends.
void start_crowd(const Counter& counter, std::size_t count) {
  int told[2];
  if (::pipe(told) != 0) throw std::runtime_error("no pipe");
  char byte = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (::fork() == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      counter.inc();
      [[maybe_unused]] const auto sent = ::write(told[1], &byte, 1);
      for (;;) ::pause();
    }
    if (::read(told[0], &byte, 1) != 1) throw std::runtime_error("a process of the crowd ended");
  }
  ::close(told[0]);
  ::close(told[1]);
}

// Measures the first update of a child beside as many living processes as the argument names.
Measurement first_update_beside(const std::string& argument) {
  const std::string path = own_segment(("beside-" + argument).c_str());
  const auto unnamed =
      std::shared_ptr<void>(nullptr, [path](void*) { ::unlink((path + ".v2").c_str()); });
  const Segment segment(path, {2048, 16, 4096, 1 << 20});
  const Counter counter = Family<Counter>("beside_total", "", {}, {.segment = segment}).labels();
  start_crowd(counter, std::stoul(argument));
  return [counter, unnamed](std::uint64_t count) {
    double sum = 0;
    for (std::uint64_t i = 0; i < count; ++i) sum += first_update_ns(counter, 1);
    return sum;
  };
}

// Measures the time that `body` takes in a child whose process state is new, as in a program that
// starts: the mean of `parallel` children at once.
template <class Body>
Measurement in_child(std::size_t parallel, Body body) {
  return [=](std::uint64_t count) {
    double sum = 0;
    for (std::uint64_t n = 0; n < count; ++n) {
      int told[2];
      if (::pipe(told) != 0) throw std::runtime_error("no pipe");
      std::vector<pid_t> children;
      const std::string path = own_segment("start") + '-' + std::to_string(n);
      for (std::size_t i = 0; i < parallel; ++i) {
        const pid_t child = ::fork();
        if (child == 0) {
          const double begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
          body(path);
          const double spent = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
          [[maybe_unused]] const auto sent = ::write(told[1], &spent, sizeof spent);
          ::_exit(0);
        }
        children.push_back(child);
      }
      ::close(told[1]);
      double spent = 0;
      for (std::size_t i = 0; i < parallel; ++i) {
        if (::read(told[0], &spent, sizeof spent) == sizeof spent) {
          sum += spent / static_cast<double>(parallel);
        }
      }
      ::close(told[0]);
      for (const pid_t child : children) ::waitpid(child, nullptr, 0);
      ::unlink((path + ".v2").c_str());
    }
    return sum;
  };
}

void register_series(const std::string& path, std::size_t count) {
  const Segment segment(path, {128, 64, 1 << 18, 16 << 20});
  Family<Counter> family("start_total", "", {"n"}, {.segment = segment});
  for (std::size_t i = 0; i < count; ++i) keep(family.labels(std::to_string(i)));
}

// Measures a program that starts when the segment and its one series already exist.
double opening(std::uint64_t count) {
  const std::string path = own_segment("open");
  const auto open = in_child(1, [path](const std::string&) { register_series(path, 1); });
  open(1);  // creates it
  const double spent = open(count);
  ::unlink((path + ".v2").c_str());
  return spent;
}

}  // namespace
}  // namespace metrics::bench

int main(int argc, char** argv) {
  using namespace metrics::bench;
  static const std::string path = own_segment("update");
  std::shared_ptr<Handles> h(make_handles(path));
  const auto keep_name =
      std::shared_ptr<void>(nullptr, [](void*) { ::unlink((path + ".v2").c_str()); });
  const auto scan = [] { scan_file(path + ".v2"); };
  Measurements measurements = {
      {"first-update", first_update(h, 1)},
      {"first-update-64", first_update(h, 63)},
      {"open", opening},
      {"create", in_child(1, [](const std::string& p) { register_series(p, 1); })},
      {"register", in_child(1, [](const std::string& p) { register_series(p, 10'000); })},
      {"register-64", in_child(64, [](const std::string& p) { register_series(p, 10'000); })},
  };
  for (const auto& [name, work] : operations(h)) {
    measurements[name] = timed(work);
    measurements[name + "-2-threads"] = timed_twice(work);
    measurements[name + "-2-processes"] = timed_beside(work, [work = work] { work(1 << 16); });
    measurements[name + "-scanned"] = timed_beside(work, scan);
  }
  for (const auto& [name, work] : limited_operations(h->segment)) {
    measurements[name] = timed(work);
  }
  for (const auto& [name, work] : abi_operations<kLinked>(abi_handles(kLinked))) {
    measurements["abi-" + name] = timed(work);
  }
  return play(argc, argv, measurements,
              {{"cold-*", cold_operation}, {"first-update-beside-*", first_update_beside}});
}
