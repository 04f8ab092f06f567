// peer_prometheus_cpp.cpp -- the same measurements with prometheus-cpp.
#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <vector>

#include "tools/benchmark/catalogue.h"
#include "tools/benchmark/player.h"

namespace metrics::bench {
namespace {

constexpr std::size_t kMany = 64;

std::shared_ptr<prometheus::Registry> catalogue_registry() {
  auto registry = std::make_shared<prometheus::Registry>();
  const Catalogue c = catalogue();
  std::vector<prometheus::Family<prometheus::Histogram>*> families;
  for (const std::string& name : c.families) {
    families.push_back(&prometheus::BuildHistogram().Name(name).Help(c.help).Register(*registry));
  }
  for (std::size_t s = 0; s < c.series.size(); ++s) {
    auto& histogram = families[c.series[s].family]->Add(
        {{"type", c.series[s].type}, {"hostname", c.hostname}}, bounds18());
    for (std::size_t b = 0; b <= bounds18().size(); ++b) {
      for (std::uint64_t k = 0; k < bucket_count(0, s, b); ++k) histogram.Observe(bucket_value(b));
    }
  }
  return registry;
}

// As growing.h's: so many counters, and a tenth as many histograms.
std::unique_ptr<prometheus::Registry> many_series(std::uint64_t counters) {
  auto registry = std::make_unique<prometheus::Registry>();
  auto& requests =
      prometheus::BuildCounter().Name("http_requests_total").Help("Requests.").Register(*registry);
  auto& seconds = prometheus::BuildHistogram()
                      .Name("http_request_duration_seconds")
                      .Help("Time.")
                      .Register(*registry);
  const prometheus::Histogram::BucketBoundaries bounds = {.005, .01, .025, .05, .1, .25,
                                                          .5,   1,   2.5,  5,   10};
  const auto route = [](std::uint64_t i) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "/api/v1/orders/%05llx",
                  static_cast<unsigned long long>(i));
    return std::string(text.data());
  };
  for (std::uint64_t i = 0; i < counters; ++i) {
    requests.Add({{"route", route(i)}}).Increment(static_cast<double>(i % 1000));
  }
  for (std::uint64_t i = 0; i < counters / 10; ++i) {
    auto& histogram = seconds.Add({{"route", route(i)}}, bounds);
    for (int k = 0; k < 20; ++k) histogram.Observe(.003 * k);
  }
  return registry;
}

std::size_t scrape(const prometheus::Registry& registry) {
  return prometheus::TextSerializer().Serialize(registry.Collect()).size();
}

double anonymous_bytes() {
  std::ifstream status("/proc/self/status");
  std::string name;
  double kilobytes = 0;
  while (status >> name) {
    if (name == "RssAnon:" && status >> kilobytes) break;
  }
  return kilobytes * 1024;
}

// Returns the bytes of memory that so many series and three scrapes of them leave in a process.
double remembered_bytes(std::uint64_t counters) {
  std::array<int, 2> told{};
  if (::pipe(told.data()) != 0) throw std::runtime_error("no pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    const double before = anonymous_bytes();
    const auto registry = many_series(counters);
    for (int i = 0; i < 3; ++i) scrape(*registry);
    const double bytes = anonymous_bytes() - before;
    ::_exit(::write(told[1], &bytes, sizeof bytes) == sizeof bytes ? 0 : 1);
  }
  ::close(told[1]);
  double bytes = 0;
  const bool fine = ::read(told[0], &bytes, sizeof bytes) == sizeof bytes;
  ::close(told[0]);
  ::waitpid(child, nullptr, 0);
  if (!fine) throw std::runtime_error("the other process ended");
  return bytes;
}

int serve() {
  prometheus::Exposer exposer(std::vector<std::string>{
      "listening_ports", "127.0.0.1:0", "num_threads", "6", "enable_keep_alive", "yes"});
  const auto registry = catalogue_registry();
  exposer.RegisterCollectable(registry);
  std::cout << exposer.GetListeningPorts().front() << std::endl;
  std::string line;
  std::getline(std::cin, line);
  return 0;
}

}  // namespace
}  // namespace metrics::bench

int main(int argc, char** argv) {
  using namespace metrics::bench;
  if (argc == 2 && std::string(argv[1]) == "serve") return serve();
  static prometheus::Registry registry;
  auto& counter_family = prometheus::BuildCounter().Name("bench_total").Register(registry);
  auto& gauge_family = prometheus::BuildGauge().Name("bench_size").Register(registry);
  auto& histogram_family = prometheus::BuildHistogram().Name("bench_seconds").Register(registry);
  std::vector<prometheus::Counter*> counters;
  std::vector<prometheus::Gauge*> gauges;
  for (std::size_t i = 0; i < kMany; ++i) {
    counters.push_back(&counter_family.Add({{"n", std::to_string(i)}}));
    gauges.push_back(&gauge_family.Add({{"n", std::to_string(i)}}));
  }
  auto& histogram = histogram_family.Add({}, bounds18());
  auto& one = *counters[0];
  const auto count_one = [&one](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) one.Increment();
  };
  const auto observe18 = [&histogram](std::uint64_t count) {
    const auto& values = observations();
    for (std::uint64_t i = 0; i < count; ++i) histogram.Observe(values[i % kObservations]);
  };
  const Measurements measurements = {
      {"inc", timed([counters](std::uint64_t count) {
         for (std::uint64_t i = 0; i < count; ++i) counters[i % kMany]->Increment();
       })},
      {"add", timed([counters](std::uint64_t count) {
         for (std::uint64_t i = 0; i < count; ++i) counters[i % kMany]->Increment(0.5);
       })},
      {"set", timed([gauges](std::uint64_t count) {
         for (std::uint64_t i = 0; i < count; ++i) gauges[i % kMany]->Set(static_cast<double>(i));
       })},
      {"observe18", timed(observe18)},
      {"lookup", timed([&histogram_family](std::uint64_t count) {
         static const std::array<std::string, 3> types = {"ServiceActivity0-and-what-it-is",
                                                          "ServiceActivity1-and-what-it-is",
                                                          "ServiceActivity2-and-what-it-is"};
         static const std::string hostname = "worker-7d9f5b";
         const auto& values = observations();
         for (std::uint64_t i = 0; i < count; ++i) {
           histogram_family.Add({{"type", types[i % 3]}, {"hostname", hostname}}, bounds18())
               .Observe(values[i % kObservations]);
         }
       })},
      {"timer", timed([&histogram](std::uint64_t count) {
         for (std::uint64_t i = 0; i < count; ++i) {
           const auto begin = std::chrono::steady_clock::now();
           const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
           histogram.Observe(taken.count());
         }
       })},
      {"inc-2-threads", timed_twice(count_one)},
      {"observe18-2-threads", timed_twice(observe18)},
      {"scrape-1", timed([registry = catalogue_registry()](std::uint64_t count) {
         for (std::uint64_t i = 0; i < count; ++i) {
           keep(scrape(*registry));
         }
       })},
  };
  const Parametric parametric = {
      {"steady-*",
       [](const std::string& text) {
         const std::shared_ptr<prometheus::Registry> many = many_series(std::stoull(text));
         return Measurement([many](std::uint64_t count) {
           const double begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
           for (std::uint64_t i = 0; i < count; ++i) keep(scrape(*many));
           return clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
         });
       }},
      {"memory-*",
       [](const std::string& text) {
         return Measurement([n = std::stoull(text)](std::uint64_t count) {
           return remembered_bytes(n) * static_cast<double>(count);
         });
       }},
      {"cold-observe18*", [](const std::string&) {
         auto& family = prometheus::BuildHistogram().Name("cold_seconds").Register(registry);
         auto all = std::make_shared<std::vector<prometheus::Histogram*>>();
         for (std::size_t i = 0; i < 200'000; ++i) {
           all->push_back(&family.Add({{"n", std::to_string(i)}}, bounds18()));
         }
         std::uint64_t state = 7;
         return timed([all, state](std::uint64_t count) mutable {
           const auto& values = observations();
           for (std::uint64_t i = 0; i < count; ++i) {
             (*all)[next_random(state) % all->size()]->Observe(values[i % kObservations]);
           }
         });
       }}};
  return play(argc, argv, measurements, parametric);
}
