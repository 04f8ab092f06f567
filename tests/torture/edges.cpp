// edges.cpp -- where the library meets what it shares with its program: memory that can't be had,
// thread keys that are used up, a mutex that another thread holds.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "metrics/metrics.h"
#include "tests/support/gate.h"
#include "tests/support/shared_memory.h"
#include "tests/torture/cases.h"
#include "tests/torture/plugin.h"
#include "tests/torture/program.h"
#include "tests/torture/scarce_memory.h"

namespace metrics::torture {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;
using test::Gate;
using test::shared;

// ---- memory ----

struct Registered {
  std::atomic<std::uint64_t> series, refused, failures, counts;
};

constexpr unsigned kMostSeries = 600, kFamilies = 7;

std::string value_of(unsigned n) {
  return "a label value that no small string holds, " + std::to_string(n);
}

// Registers a series of each type with memory scarce, until it has them, and counts in them.
void register_all(metrics_segment* segment, std::mt19937_64& random, unsigned n,
                  Registered& noted) {
  const auto with_scarce_memory = [&](auto call) {
    for (;;) {
      metrics_status status = METRICS_OK;
      {
        const ScarceMemory scarce(random, 6);
        status = call();
      }
      if (status == METRICS_OK) return;
      must(status == METRICS_NO_SPACE, std::string("a call returned ") +
                                           metrics_status_name(status) + ": " +
                                           metrics_last_error());
      noted.refused.fetch_add(1);
    }
  };
  const std::string text = value_of(n);
  const std::array<const char*, 1> names = {"n"}, values = {text.c_str()};
  const std::string suffix = std::to_string(n % kFamilies);
  metrics_family *counts = nullptr, *load = nullptr, *about = nullptr;
  const auto family = [&](metrics_type type, const std::string& name, metrics_family** out) {
    const std::size_t labels = type == METRICS_INFO ? 0 : 1;
    with_scarce_memory([&] {
      return metrics_family_of(segment, type, (name + suffix).c_str(), "", names.data(), labels,
                               nullptr, out);
    });
  };
  family(METRICS_COUNTER, "counts", &counts);
  family(METRICS_GAUGE, "load", &load);
  family(METRICS_INFO, "about", &about);
  metrics_counter* counter = nullptr;
  metrics_gauge* gauge = nullptr;
  with_scarce_memory([&] { return metrics_counter_labels(counts, values.data(), 1, &counter); });
  with_scarce_memory([&] { return metrics_gauge_labels(load, values.data(), 1, &gauge); });
  with_scarce_memory([&] { return metrics_info_state(about, names.data(), values.data(), 1); });
  noted.series.fetch_add(3);
  // A child's first update begins all gauges; one that was freed would make it loop for ever.
  must_end_well(start([&] {
                  metrics_counter_inc(counter, 1);
                  metrics_gauge_set(gauge, 1);
                }),
                "a child after allocations had failed");
  metrics_counter_inc(counter, 1);
  metrics_gauge_set(gauge, 1);
  noted.counts.fetch_add(2);
}

void scarce_memory(Run& run) {
  const std::string path = run.fresh_path();
  auto& noted = shared<Registered>();
  const auto until = run.share(3);
  const std::uint64_t seed = run.random();
  const auto status = run_child(
      [&] {
        std::mt19937_64 random(seed);
        const Segment segment(path, kProgramGeometry);
        for (unsigned n = 0; n < kMostSeries && Clock::now() < until; ++n) {
          register_all(segment.get(), random, n, noted);
        }
        noted.failures = ScarceMemory::failed();
      },
      seconds(60));
  run.check(well(status), "scarce memory: " + to_text(status));
  std::uint64_t scraped = 0;
  const Look look(path + ".v2");
  for (unsigned n = 0; n < kMostSeries; ++n) {
    scraped += look.count("counts" + std::to_string(n % kFamilies), {value_of(n)});
  }
  run.check(scraped == noted.counts, "scarce memory: " + std::to_string(noted.counts) +
                                         " counted, " + std::to_string(scraped) + " scraped");
  run.count("allocations that failed in set-up calls", noted.failures);
  run.count("set-up calls that were refused for it", noted.refused);
  run.count("series that were registered in spite of it", noted.series);
}

// ---- thread keys ----

std::atomic<void (*)()> count_in_plugin{nullptr};
std::atomic<std::uint64_t> counted_in_handlers{0};

void count_once(int) {
  if (auto* const count = count_in_plugin.load(); count != nullptr) {
    count();
    counted_in_handlers.fetch_add(1);
  }
}

// The library comes late, when the early keys are in use, and first updates are made in handlers
// that interrupt malloc().
void late_keys(Run& run) {
  const std::string path = run.fresh_path();
  const std::string library =
      std::filesystem::read_symlink("/proc/self/exe").parent_path().native() + "/torture_plugin.so";
  auto& counted = shared<std::atomic<std::uint64_t>>();
  auto& forks = shared<std::atomic<std::uint64_t>>();
  const auto until = run.share(2);
  const auto status = run_child(
      [&] {
        for (int i = 0; i < 40; ++i) {
          pthread_key_t key = 0;
          must(::pthread_key_create(&key, nullptr) == 0, "a key");
        }
        void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
        must(handle != nullptr, "the plugin can't be loaded");
        const auto open = reinterpret_cast<decltype(&torture_plugin_open)>(
            ::dlsym(handle, "torture_plugin_open"));
        must(open != nullptr && open(path.c_str()), "the plugin can't be used");
        count_in_plugin = reinterpret_cast<decltype(&torture_plugin_count)>(
            ::dlsym(handle, "torture_plugin_count"));
        struct sigaction action {};
        action.sa_handler = count_once;
        ::sigaction(SIGUSR1, &action, nullptr);
        do {
          std::atomic<bool> begun{false}, done{false};
          std::thread thread([&] {
            begun = true;
            while (!done) std::free(std::malloc(100));
          });
          while (!begun) std::this_thread::yield();
          const std::uint64_t before = counted_in_handlers;
          ::pthread_kill(thread.native_handle(), SIGUSR1);
          must_end_well(start([] {}), "a child that was forked meanwhile");
          forks.fetch_add(1);
          const auto deadline = Clock::now() + seconds(20);
          while (counted_in_handlers == before) {
            must(Clock::now() < deadline, "a first update in a handler does not return");
            std::this_thread::yield();
          }
          done = true;
          thread.join();
        } while (Clock::now() < until);
        counted = counted_in_handlers.load();
        ::_exit(0);
      },
      seconds(60));
  run.check(well(status), "late keys: " + to_text(status));
  const Look look(path + ".v2");
  run.check(look.count("c") == counted, "late keys: " + std::to_string(counted) + " counted, " +
                                            std::to_string(look.count("c")) + " scraped");
  run.check(look.usage().lanes_used <= 2, "late keys: " + std::to_string(look.usage().lanes_used) +
                                              " lanes for one thread at a time");
  run.count("first updates in handlers over malloc, without an early key", counted);
  run.count("forks meanwhile", forks);
}

// ---- the process's mutex ----

constexpr unsigned kSetters = 24;

struct Kept {
  std::atomic<std::uint64_t> gauges, counts, joined;
};

// Some threads each register a gauge, set it once and count, while others join segments; the
// process is stopped now and then, for longer than a first update waits.
void contended(Run& run) {
  auto& noted = shared<Kept>();
  std::uint64_t rounds = 0, stops = 0;
  do {
    const std::string path = run.fresh_path();
    auto& set = shared<std::atomic<std::uint64_t>>();
    auto& counts = shared<std::atomic<std::uint64_t>>();
    std::vector<std::string> others;
    for (int i = 0; i < 12; ++i) others.push_back(run.fresh_path());
    Gate up, done, end;
    const pid_t worker = start([&] {
      const Segment segment(path, kProgramGeometry);
      const Family<metrics::Gauge> load("load", "", {"n"},
                                        {.mode = Mode::kLiveSum, .segment = segment});
      const Family<Counter> tasks("tasks", "", {"n"}, {.segment = segment});
      // Handles from before: their threads' first updates register nothing.
      std::vector<metrics::Gauge> gauges;
      std::vector<Counter> counters;
      for (unsigned n = 0; n < kSetters; ++n) {
        gauges.push_back(load.labels(n));
        counters.push_back(tasks.labels(n));
      }
      up.let_pass();
      std::vector<std::jthread> threads;
      threads.emplace_back([&] {
        for (const std::string& other : others) {
          must(Segment(other, kProgramGeometry).status() == METRICS_OK, "a segment");
          noted.joined.fetch_add(1);
        }
      });
      threads.emplace_back([&] {
        for (int n = 100; n < 400; ++n) static_cast<void>(tasks.labels(n));
      });
      for (unsigned n = 0; n < gauges.size(); ++n) {
        threads.emplace_back([&, n] {
          gauges[n].set(1);
          set.fetch_add(1);
          counters[n].inc();
          counts.fetch_add(1);
        });
      }
      threads.clear();
      // What was set before the slot was claimed must not wait for another first update.
      static_cast<void>(tasks.labels("the last"));
      done.let_pass();
      end.try_pass(seconds(60));
    });
    run.check(up.try_pass(), "contended: the worker does not begin");
    for (int i = 0; i < 2; ++i) {
      pause_for(microseconds(run.below(3000)));
      ::kill(worker, SIGSTOP);
      pause_for(microseconds(15'000));
      ::kill(worker, SIGCONT);
      ++stops;
    }
    run.check(done.try_pass(seconds(60)), "contended: the worker does not come to its end");
    const Look look(path + ".v2");
    double shown = 0;
    std::uint64_t scraped = 0;
    for (const auto& [label, value] : look.samples("load")) shown += value;
    for (unsigned n = 0; n < kSetters; ++n) scraped += look.count("tasks", {std::to_string(n)});
    run.check(shown == static_cast<double>(set.load()), "contended: " + std::to_string(set) +
                                                            " gauges were set once, " +
                                                            std::to_string(shown) + " are shown");
    run.check(scraped == counts, "contended: " + std::to_string(counts) + " counted, " +
                                     std::to_string(scraped) + " scraped");
    run.check(look.dropped(format::Drop::kGaugeWithoutSlot) == 0,
              "contended: gauges were dropped though slots are free");
    end.let_pass();
    run.check(well(wait_for(worker, seconds(30))), "contended: the worker did not end well");
    noted.gauges.fetch_add(set);
    noted.counts.fetch_add(counts);
    ++rounds;
  } while (run.more() && !run.hopeless());
  run.count("processes with 26 threads that begin at once", rounds);
  run.count("times that they were stopped for 15 ms", stops);
  run.count("segments that they joined meanwhile", noted.joined);
  run.count("gauges set once", noted.gauges);
}

}  // namespace

void edges_of_a_process(Run& run) {
  // Valgrind brings an operator new of its own.
  if (run.possible("allocations that fail", "valgrind")) scarce_memory(run);
  // An instrumented library can't be loaded late.
  if (run.possible("thread keys that are used up", "address thread")) late_keys(run);
  contended(run);
}

}  // namespace metrics::torture
