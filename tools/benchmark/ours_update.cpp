// ours_update.cpp -- updates and start-up, with the shared library as it is shipped.
#include "tools/benchmark/ours_update.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "metrics/metrics.hpp"

namespace metrics::bench {
namespace {

using Work = std::function<void(std::uint64_t)>;

struct Handles {
  Segment segment;
  std::vector<Counter> counters;
  std::vector<Gauge> gauges;
  Histogram histogram18, histogram4, histogram64, histogram18odd;
  Family<Histogram> labelled;
};

Histogram histogram(const Segment& segment, const std::string& name,
                    const std::vector<double>& bounds) {
  return Family<Histogram>(name, "", {}, {.bounds = Bounds(bounds), .segment = segment}).labels();
}

Handles* make_handles(const std::string& path) {
  const Segment segment(path, {64, 64, 1 << 16, 1 << 20});
  Family<Counter> counter("bench_total", "", {"n"}, {.segment = segment});
  Family<Gauge> gauge("bench_size", "", {"n"}, {.mode = Mode::kLiveSum, .segment = segment});
  auto* h = new Handles{segment,
                        {},
                        {},
                        histogram(segment, "bench18_seconds", bounds18()),
                        histogram(segment, "bench4_seconds", odd_bounds(4)),
                        histogram(segment, "bench64_seconds", odd_bounds(64)),
                        histogram(segment, "bench18odd_seconds", odd_bounds(18)),
                        {"bench_labelled_seconds",
                         "",
                         {"type", "hostname"},
                         {.bounds = Bounds(bounds18()), .segment = segment}}};
  for (std::size_t i = 0; i < kMany; ++i) {
    h->counters.push_back(counter.labels(std::to_string(i)));
    h->gauges.push_back(gauge.labels(std::to_string(i)));
  }
  h->counters[0].inc();
  return h;
}

void increments(const Handles& h, std::uint64_t count) {
  Counter* counters = const_cast<Counter*>(h.counters.data());
  for (std::uint64_t i = 0; i < count; ++i) counters[i % kMany].inc();
}

void observe(Histogram histogram, std::uint64_t count) {
  const auto& values = observations();
  for (std::uint64_t i = 0; i < count; ++i) histogram.observe(values[i % kObservations]);
}

// 200,000 histograms, one at random. Made when first asked for: their cells are 32 MB.
Measurement cold() {
  constexpr std::size_t kHistograms = 200'000;
  const std::string path = own_segment("cold");
  const Segment segment(path, {4, 4, kHistograms * 20 + 1024, 64 << 20});
  Family<Histogram> family("cold_seconds", "", {"n"},
                           {.bounds = Bounds(bounds18()), .segment = segment});
  auto all = std::make_shared<std::vector<Histogram>>();
  all->reserve(kHistograms);
  for (std::size_t i = 0; i < kHistograms; ++i) all->push_back(family.labels(std::to_string(i)));
  all->front().observe(1);
  ::unlink((path + ".v1").c_str());
  std::uint64_t state = 7;
  return timed([all, state](std::uint64_t count) mutable {
    const auto& values = observations();
    for (std::uint64_t i = 0; i < count; ++i) {
      (*all)[next_random(state) % kHistograms].observe(values[i % kObservations]);
    }
  });
}

// What stands in the segment's file, over and over.
void scan_file(const std::string& file) {
  static std::vector<char> buffer(1 << 16);
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  off_t at = 0;
  while (::pread(fd, buffer.data(), buffer.size(), at) > 0) at += static_cast<off_t>(buffer.size());
  ::close(fd);
}

// A child's first update: its own time, told through a pipe. `parallel` of them at once.
double first_update_ns(const Handles& h, std::size_t parallel) {
  int told[2], go[2];
  if (::pipe(told) != 0 || ::pipe(go) != 0) throw std::runtime_error("no pipe");
  std::vector<pid_t> children;
  for (std::size_t i = 0; i < parallel; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      char byte;
      ::close(go[1]);
      [[maybe_unused]] const auto end = ::read(go[0], &byte, 1);  // until it is closed
      Counter counter = h.counters[1];
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
    for (std::uint64_t i = 0; i < count; ++i) sum += first_update_ns(*h, parallel);
    return sum;
  };
}

// In a child, whose process state is new, as a program that starts: the time that `body` takes.
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
      ::unlink((path + ".v1").c_str());
    }
    return sum;
  };
}

void register_series(const std::string& path, std::size_t count) {
  const Segment segment(path, {128, 64, 1 << 18, 16 << 20});
  Family<Counter> family("start_total", "", {"n"}, {.segment = segment});
  for (std::size_t i = 0; i < count; ++i) keep(family.labels(std::to_string(i)));
}

// A program that starts where others have been: the segment is there, and its one series.
double opening(std::uint64_t count) {
  const std::string path = own_segment("open");
  const auto open = in_child(1, [path](const std::string&) { register_series(path, 1); });
  open(1);  // creates it
  const double spent = open(count);
  ::unlink((path + ".v1").c_str());
  return spent;
}

}  // namespace
}  // namespace metrics::bench

int main(int argc, char** argv) {
  using namespace metrics::bench;
  using metrics::Counter;
  static const std::string path = own_segment("update");
  std::shared_ptr<Handles> h(make_handles(path));
  const auto keep_name =
      std::shared_ptr<void>(nullptr, [](void*) { ::unlink((path + ".v1").c_str()); });
  const Abi abi = {&metrics_open,
                   &metrics_counter_family,
                   &metrics_histogram_family,
                   &metrics_counter_labels,
                   &metrics_histogram_labels,
                   &metrics_counter_inc,
                   &metrics_histogram_observe};
  const AbiHandles c = abi_handles(abi, h->segment.get());
  const Work count_up = [h](std::uint64_t count) { increments(*h, count); };
  const Work count_one = [h](std::uint64_t count) {
    Counter counter = h->counters[0];
    for (std::uint64_t i = 0; i < count; ++i) counter.inc();
  };
  const Work observe18 = [h](std::uint64_t count) { observe(h->histogram18, count); };
  const auto scan = [] { scan_file(path + ".v1"); };
  const Measurements measurements = {
      {"inc", timed(count_up)},
      {"inc-one", timed(count_one)},
      {"add", timed([h](std::uint64_t count) {
         for (std::uint64_t i = 0; i < count; ++i) h->counters[i % kMany].inc(0.5);
       })},
      {"set", timed([h](std::uint64_t count) {
         for (std::uint64_t i = 0; i < count; ++i) {
           h->gauges[i % kMany].set(static_cast<double>(i));
         }
       })},
      {"observe18", timed(observe18)},
      {"observe4", timed([h](std::uint64_t count) { observe(h->histogram4, count); })},
      {"observe64", timed([h](std::uint64_t count) { observe(h->histogram64, count); })},
      {"observe18odd", timed([h](std::uint64_t count) { observe(h->histogram18odd, count); })},
      {"timer", timed([h](std::uint64_t count) {
         for (std::uint64_t i = 0; i < count; ++i) {
           const auto timer = h->histogram18.time();
         }
       })},
      {"lookup", timed([h](std::uint64_t count) {
         static const std::array<std::string, 3> types = {"ServiceActivity0-and-what-it-is",
                                                          "ServiceActivity1-and-what-it-is",
                                                          "ServiceActivity2-and-what-it-is"};
         static const std::string hostname = "worker-7d9f5b";
         const auto& values = observations();
         for (std::uint64_t i = 0; i < count; ++i) {
           h->labelled.labels(types[i % 3], hostname).observe(values[i % kObservations]);
         }
       })},
      {"inc-2-threads", timed_twice(count_one)},
      {"observe18-2-threads", timed_twice(observe18)},
      {"inc-2-processes", timed_beside(count_one, [count_one] { count_one(1 << 20); })},
      {"observe18-2-processes", timed_beside(observe18, [observe18] { observe18(1 << 18); })},
      {"inc-scanned", timed_beside(count_up, scan)},
      {"observe18-scanned", timed_beside(observe18, scan)},
      {"abi-inc", timed([c](std::uint64_t count) {
         for (std::uint64_t i = 0; i < count; ++i) metrics_counter_inc(c.counters[i % kMany], 1);
       })},
      {"abi-observe18", timed([c](std::uint64_t count) {
         const auto& values = observations();
         for (std::uint64_t i = 0; i < count; ++i) {
           metrics_histogram_observe(c.histogram, values[i % kObservations]);
         }
       })},
      {"first-update", first_update(h, 1)},
      {"first-update-64", first_update(h, 63)},
      {"open", opening},
      {"create", in_child(1, [](const std::string& p) { register_series(p, 1); })},
      {"register", in_child(1, [](const std::string& p) { register_series(p, 10'000); })},
      {"register-64", in_child(64, [](const std::string& p) { register_series(p, 10'000); })},
  };
  const Parametric parametric = {{"cold*", [](const std::string&) { return cold(); }}};
  return play(argc, argv, measurements, parametric);
}
