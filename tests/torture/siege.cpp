// siege.cpp -- everything at once: idle clients, clients that read nothing, many that scrape, files
// of strangers in the directory, writers. A scrape is begun every tenth of a second and gets the
// metrics, and updates are as fast as without all that.
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

#include "tests/aggregator/http/client.h"
#include "tests/support/eventually.h"
#include "tests/support/gate.h"
#include "tests/support/shared_memory.h"
#include "tests/torture/cases.h"
#include "tests/torture/daemon.h"
#include "tests/torture/idle_connections.h"
#include "tests/torture/latencies.h"
#include "tests/torture/load.h"
#include "tests/torture/program.h"
#include "tests/torture/strangers.h"

namespace metrics::torture {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Client;
using test::Gate;
using test::shared;

struct Besiegers {
  std::size_t idle, slow;
  unsigned scraping, writers;
};

Besiegers besiegers(const Run& run) {
  return run.seconds() >= 5 ? Besiegers{1000, 44, 200, 64} : Besiegers{200, 12, 20, 8};
}

void allow_many_descriptors() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

// Clients that scrape as fast as they are answered, while they may.
class Scraping {
 public:
  Scraping(std::uint16_t port, unsigned clients) {
    for (unsigned i = 0; i < clients; ++i) {
      threads_.emplace_back([this, port](const std::stop_token& stopped) {
        while (!stopped.stop_requested()) {
          if (!may_.load()) {
            pause_for(milliseconds(1));
            continue;
          }
          try {
            ++(test::get(port, "/metrics").status == 200 ? fine_ : busy_);
          } catch (const std::exception&) {  // its patience is not what is tested here
          }
        }
      });
    }
  }
  void let(bool scrape) { may_ = scrape; }
  std::uint64_t fine() const { return fine_; }
  std::uint64_t busy() const { return busy_; }

 private:
  std::atomic<bool> may_{false};
  std::atomic<std::uint64_t> fine_{0}, busy_{0};
  std::vector<std::jthread> threads_;
};

// Begins a scrape every tenth of a second, whatever became of the ones before.
class Prober {
 public:
  explicit Prober(std::uint16_t port) : port_(port) {}
  void until(Clock::time_point end) {
    for (auto next = Clock::now(); next < end; next += milliseconds(100)) {
      pause_for(std::chrono::duration_cast<std::chrono::microseconds>(
          std::max(next - Clock::now(), Clock::duration::zero())));
      ++begun_;
      under_way_.emplace_back([this] { probe(); });
    }
  }
  void report(Run& run) {
    under_way_.clear();
    run.check(answered_ == begun_, "siege: " + std::to_string(begun_ - answered_) + " of " +
                                       std::to_string(begun_) +
                                       " scrapes got no metrics: " + fault_);
    run.count("  scrapes begun each tenth of a second, and answered", answered_);
    run.count("    slowest answer, ms", slowest_ms_);
  }

 private:
  void probe() {
    const auto begin = Clock::now();
    std::string wrong;
    try {
      const test::Answer answer = test::get(port_, "/metrics");
      if (answer.status == 200 && answer.whole) {
        ++answered_;
      } else {
        wrong = "status " + std::to_string(answer.status);
      }
    } catch (const std::exception& e) {
      wrong = e.what();
    }
    const auto taken = std::chrono::duration_cast<milliseconds>(Clock::now() - begin).count();
    const std::lock_guard lock(mutex_);
    slowest_ms_ = std::max(slowest_ms_, static_cast<std::uint64_t>(taken));
    if (!wrong.empty()) fault_ = wrong;
  }

  const std::uint16_t port_;
  std::atomic<std::uint64_t> begun_{0}, answered_{0};
  std::mutex mutex_;  // guards what follows
  std::uint64_t slowest_ms_ = 0;
  std::string fault_;
  std::vector<std::jthread> under_way_;
};

// A worker whose updates are timed, apart while the clients scrape and while they rest.
class Timed {
 public:
  explicit Timed(const std::string& path) : times_(shared<Times>()) {
    Gate up;
    pid_ = start([&] {
      Program p(path, shared<Tally>());
      p.update();
      up.let_pass();
      // What is timed are updates, and not how many hundred others want the CPU.
      const sched_param first{.sched_priority = 1};
      ::sched_setscheduler(0, SCHED_FIFO, &first);
      for (;;) {
        pause_for(milliseconds(1));
        Latencies& to =
            times_.besieged.load(std::memory_order_relaxed) ? times_.with : times_.without;
        for (int i = 0; i < 1000; ++i) {
          const auto begin = Clock::now();
          p.counter.inc();
          p.histogram.observe(0.5);
          to.add(static_cast<std::uint64_t>((Clock::now() - begin).count()));
        }
      }
    });
    must(up.try_pass(), "no timed worker");
  }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;
  ~Timed() { kill_and_reap(pid_); }
  void is_besieged(bool now) { times_.besieged = now; }
  void report(Run& run) const {
    constexpr double kShare = 0.9999;
    const std::uint64_t without = times_.without.percentile(kShare);
    const std::uint64_t with = times_.with.percentile(kShare);
    run.count("  updates timed", times_.without.count() + times_.with.count());
    run.count("    p99.99 while nobody scrapes, ns", without);
    run.count("    p99.99 under siege, ns", with);
    // As in the attack: a cache line may have to come back, and no more.
    constexpr std::uint64_t kNoiseNs = 500;
    if (run.seconds() >= 5) {
      run.check(with <= 2 * without + kNoiseNs, "siege: p99.99 of updates is " +
                                                    std::to_string(with) + " ns instead of " +
                                                    std::to_string(without));
    }
  }

 private:
  struct Times {
    std::atomic<bool> besieged;
    Latencies without, with;
  };
  Times& times_;
  pid_t pid_ = -1;
};

}  // namespace

void everything_at_once(Run& run) {
  if (!run.possible("civetweb", "thread")) return;  // it is not instrumented
  allow_many_descriptors();
  const Besiegers many = besiegers(run);
  const std::string directory = run.fresh_path();
  std::filesystem::create_directory(directory);
  for (const Strangers& strangers : all_strangers()) strangers.make(directory);
  const std::string path = directory + "/good";
  Timed timed(path);
  const Load load(run, path, many.writers);
  // Seats for all who scrape at once: with the default of 40 most of them would be answered 503.
  // The prober has begun a hundred by the time that the first one is ten seconds old.
  const std::size_t seats = many.scraping + many.slow + 100;
  Daemon daemon({directory}, {"--web.max-requests=" + std::to_string(seats)});
  Prober prober(daemon.port());
  IdleConnections idle(daemon.port(), many.idle);
  std::vector<std::unique_ptr<Client>> slow;
  for (std::size_t i = 0; i < many.slow; ++i) {
    slow.push_back(std::make_unique<Client>(daemon.port()));
    slow.back()->send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  Scraping scraping(daemon.port(), many.scraping);
  std::uint64_t most_kb = 0;
  do {
    constexpr auto kTurn = milliseconds(500);
    for (const bool besieged : {true, false}) {
      scraping.let(besieged);
      timed.is_besieged(besieged);
      prober.until(Clock::now() + kTurn);
    }
    most_kb = std::max(most_kb, daemon.resident_kb());
  } while (run.more() && !run.hopeless());
  run.count("idle connections, " + std::to_string(many.slow) + " clients that read nothing, " +
                std::to_string(many.writers) + " writers, files of strangers",
            many.idle);
  run.count("  scrapes of " + std::to_string(many.scraping) + " clients at once", scraping.fine());
  run.count("    answered busy (503)", scraping.busy());
  prober.report(run);
  timed.report(run);
  run.count("  most memory the aggregator took, kB", most_kb);
  run.check(most_kb < 1024 * 1024, "siege: it takes " + std::to_string(most_kb) + " kB");
}

}  // namespace metrics::torture
