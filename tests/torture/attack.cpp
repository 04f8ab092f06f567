// attack.cpp -- the aggregator under attack and load. Every response is complete and valid, or a
// clean error; memory stays bounded; no client and no segment takes it, or another segment, down.
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
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
#include "tests/torture/exposition.h"
#include "tests/torture/idle_connections.h"
#include "tests/torture/image.h"
#include "tests/torture/latencies.h"
#include "tests/torture/load.h"
#include "tests/torture/malformed.h"
#include "tests/torture/program.h"

namespace metrics::torture {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Answer;
using test::Client;
using test::eventually;
using test::Gate;
using test::shared;

// Time enough for what the aggregator's own time-outs decide.
bool is_long(const Run& run) { return run.seconds() >= 5; }

// Scrapes, within the client's patience. Returns "", or what is wrong with the response.
std::string scrape(std::uint16_t port, Exposition* read = nullptr) {
  try {
    const Answer answer = test::get(port, "/metrics");
    if (answer.status != 200) return "status " + std::to_string(answer.status);
    if (!answer.whole) return "the response is not whole";
    Exposition exposition(answer.body);
    if (!exposition.fault().empty()) return exposition.fault();
    if (read != nullptr) *read = std::move(exposition);
    return "";
  } catch (const std::exception& e) {
    return e.what();
  }
}

void expect_alive(Run& run, const Daemon& daemon, const std::string& after) {
  const std::string fault = scrape(daemon.port());
  run.check(fault.empty(), "after " + after + " a scrape fails: " + fault);
}

void scraped_under_load(Run& run, const std::string& path) {
  const Daemon daemon({path});
  const unsigned workers = is_long(run) ? 64 : 16, clients = is_long(run) ? 200 : 60;
  const Load load(run, path, workers);
  run.check(scrape(daemon.port()).empty() || scrape(daemon.port()).empty(), "no first scrape");
  const auto until = run.share(3);
  std::atomic<std::uint64_t> fine{0}, busy{0};
  std::string fault;
  std::mutex mutex;
  std::uint64_t most_kb = 0;
  {
    std::vector<std::jthread> scrapers;
    for (unsigned i = 0; i < clients; ++i) {
      scrapers.emplace_back([&] {
        Exposition before("");
        while (Clock::now() < until) {
          std::string wrong;
          try {
            const Answer answer = test::get(daemon.port(), "/metrics");
            if (answer.status == 503 && answer.whole) {
              ++busy;
              continue;
            }
            if (answer.status != 200 || !answer.whole) {
              wrong = "status " + std::to_string(answer.status) + " with " +
                      std::to_string(answer.body.size()) + " bytes";
            } else {
              Exposition now(answer.body);
              wrong = now.fault().empty() ? now.gone_down(before) : now.fault();
              before = std::move(now);
              ++fine;
            }
          } catch (const std::exception& e) {
            wrong = e.what();
          }
          const std::lock_guard lock(mutex);
          if (!wrong.empty() && fault.empty()) fault = wrong;
        }
      });
    }
    while (Clock::now() < until) {
      most_kb = std::max(most_kb, daemon.resident_kb());
      pause_for(milliseconds(50));
    }
  }
  run.check(fault.empty(), "under load: " + fault);
  run.check(most_kb < 400 * 1024, "it takes " + std::to_string(most_kb) + " kB under load");
  run.count("scrapes of " + std::to_string(clients) + " clients at once beside " +
                std::to_string(workers) + " writers",
            fine);
  run.count("  answered busy (503)", busy);
  run.count("  most memory it took, kB", most_kb);
}

void slow_and_idle(Run& run, const std::string& path) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  const Daemon daemon({path});
  const std::uint64_t before_kb = daemon.resident_kb();
  {
    IdleConnections idle(daemon.port(), 1000);
    std::size_t most = 0;
    eventually([&] { return (most = std::max(most, idle.connected())) == 1000; },
               milliseconds(300));
    run.count("idle connections at once", most);
    run.check(most >= 100, "only " + std::to_string(most) + " connections got through");
    run.check(daemon.resident_kb() < before_kb + 200 * 1024, "idle connections take memory");
    expect_alive(run, daemon, "1,000 connections came that are idle still");
  }
  expect_alive(run, daemon, "1,000 idle connections");
  std::vector<std::unique_ptr<Client>> slow;
  for (unsigned i = 0; i < 100; ++i) {
    slow.push_back(std::make_unique<Client>(daemon.port()));
    slow.back()->send("GET /metrics HTTP/1.1\r\nHost: x\r\nX-");
  }
  for (int drip = 0; drip < 20; ++drip) {
    for (const auto& client : slow) client->send("a");
    pause_for(milliseconds(20));
  }
  run.count("slow-loris connections at once", slow.size());
  expect_alive(run, daemon, "slow-loris began");
  slow.clear();
  expect_alive(run, daemon, "slow-loris");
}

void malformed(Run& run, const std::string& path) {
  Daemon daemon({path});
  for (const std::string& request : malformed_requests(run)) {
    Client client(daemon.port());
    client.send(request + "\r\n\r\n");  // at once: what comes after the answer would be a reset
    // Most answers are not waited for: to the server, some requests are not at their end.
    if (run.below(8) == 0) {
      const Answer answer = client.receive();
      // Where a request is too large to be read, the server hangs up on the rest: a reset, which
      // may make the kernel drop the answer.
      run.check(answer.status == 0 || answer.whole || request.size() > kHugeBytes,
                "an answer to a malformed request is cut off");
    }
    run.count("malformed requests");
  }
  expect_alive(run, daemon, "malformed requests");
  for (const char* target :
       {"/../../../../etc/passwd", "/metrics/../../etc/passwd", "//etc/passwd",
        "/%2e%2e/etc/passwd", "/metrics/", "//metrics", "/metrics%00", "/./metrics", "/METRICS",
        "/etc/passwd", "file:///etc/passwd", "*", "/metrics;x", "/%6detrics"}) {
    const Answer answer = Client(daemon.port()).get(target);
    run.check(answer.status == 404 || answer.status == 400,
              std::string("path ") + target + " is answered by " + std::to_string(answer.status));
    run.check(answer.body.find("root:") == std::string::npos, "it gives files away");
    run.count("path tricks");
  }
  expect_alive(run, daemon, "path tricks");
}

void ends_and_restarts(Run& run, const std::string& path) {
  const Load load(run, path, 4);
  const auto until = run.share(6);
  std::uint64_t rounds = 0;
  do {
    auto daemon = std::make_unique<Daemon>(std::vector<std::string>{path});
    std::atomic<bool> stop{false};
    std::mutex mutex;
    std::string fault;
    std::vector<std::jthread> scrapers;
    for (int i = 0; i < 8; ++i) {
      scrapers.emplace_back([&, port = daemon->port()] {
        while (!stop) {
          try {
            const Answer answer = test::get(port, "/metrics");
            // A response may be cut off, as its client sees. One that is whole must be valid.
            if (answer.status != 200 || !answer.whole) continue;
            const Exposition read(answer.body);
            const std::lock_guard lock(mutex);
            if (!read.fault().empty()) fault = read.fault();
          } catch (const std::exception&) {
            pause_for(milliseconds(1));
          }
        }
      });
    }
    pause_for(milliseconds(run.below(60)));
    if (rounds % 2 == 0) {
      daemon->kill();
    } else {
      const auto status = daemon->stop();
      run.check(well(status), "SIGTERM under load: " + to_text(status));
    }
    stop = true;
    scrapers.clear();
    run.check(fault.empty(), "while it ended: " + fault);
    ++rounds;
  } while (Clock::now() < until || rounds < 2);
  run.count("ends by SIGKILL and SIGTERM under load", rounds);
}

// One worker's updates, timed one by one, in turns with and without a client that scrapes as fast
// as it can.
void update_latency(Run& run, const std::string& path) {
  struct Timed {
    std::atomic<bool> scraped, stop;
    Latencies without, with;
  };
  auto& timed = shared<Timed>();
  const Daemon daemon({path + "-timed"});
  Gate up;
  const pid_t worker = start([&] {
    Program p(path + "-timed", shared<Tally>());
    p.update();
    up.let_pass();
    while (!timed.stop.load(std::memory_order_relaxed)) {
      Latencies& to = timed.scraped.load(std::memory_order_relaxed) ? timed.with : timed.without;
      for (int i = 0; i < 1000; ++i) {
        const auto begin = Clock::now();
        p.counter.inc();
        p.histogram.observe(0.5);
        to.add(static_cast<std::uint64_t>((Clock::now() - begin).count()));
      }
    }
  });
  must(up.try_pass(), "no worker");
  const auto until = run.share(6);
  std::uint64_t scrapes = 0;
  do {
    constexpr auto kTurn = milliseconds(20);
    pause_for(kTurn);
    timed.scraped = true;
    for (const auto end = Clock::now() + kTurn; Clock::now() < end; ++scrapes) {
      const std::string fault = scrape(daemon.port());
      if (!run.check(fault.empty(), "while updates are timed: " + fault)) break;
    }
    timed.scraped = false;
  } while (Clock::now() < until);
  timed.stop = true;
  run.check(well(wait_for(worker, seconds(20))), "the timed worker failed");
  constexpr double kShare = 0.9999;
  const std::uint64_t without = timed.without.percentile(kShare);
  const std::uint64_t with = timed.with.percentile(kShare);
  run.count("scrapes while updates were timed", scrapes);
  run.count("  updates", timed.without.count() + timed.with.count());
  run.count("  ns of an inc and an observe, clock included, median", timed.without.percentile(0.5));
  run.count("  p99.99 without scrapes", without);
  run.count("  p99.99 with scrapes", with);
  // What a reader may cost is a cache line that has to come back. A lock or a system call would be
  // far above.
  constexpr std::uint64_t kNoiseNs = 500;
  if (is_long(run)) {
    run.check(with <= 2 * without + kNoiseNs, "scrapes slow updates down: p99.99 is " +
                                                  std::to_string(with) + " ns instead of " +
                                                  std::to_string(without));
  }
}

// Two aggregators of one segment both show the same sample when nobody writes.
void two_of_them(Run& run, const std::string& path) {
  auto& tally = shared<Tally>();
  const std::string own = path + "-two";
  Daemon one({own}), two({own});
  run.check(well(run_child([&] { Program(own, tally).update(5); })), "a worker failed");
  for (const Daemon* daemon : {&one, &two}) {
    Exposition read("");
    run.check(scrape(daemon->port(), &read).empty(), "two aggregators: a scrape fails");
    run.check(read.value("c_total") == 5,
              "two aggregators: one shows " + std::to_string(read.value("c_total")));
  }
  run.count("aggregators beside each other", 2);
}

// Shows the healthy segment of a directory all the while that another process puts harmful files
// into it.
void bad_neighbours(Run& run) {
  const std::string directory = run.fresh_path();
  std::filesystem::create_directory(directory);
  auto& tally = shared<Tally>();
  run.check(well(run_child([&] { Program(directory + "/good", tally).update(5); })), "no worker");
  const Image image = healthy_image(run.fresh_path());
  Daemon daemon({directory});
  const std::string good = "c_total{segment=\"" + directory + "/good\"}";
  const auto until = run.share(6);
  std::uint64_t scrapes = 0;
  const pid_t vandal = start([&, seed = run.random()] {
    std::mt19937_64 random(seed);
    const char* names[] = {"/a.v2", "/b.v2", "/\xff\xfe.v2", "/new\nline\".v2"};
    for (;;) {
      const std::string file = directory + names[random() % 4];
      std::error_code ignored;
      switch (random() % 6) {
        case 0:
          std::filesystem::remove(file, ignored);
          break;
        case 1:
          ::mkfifo(file.c_str(), 0600);
          break;
        case 2: {
          // As another user could: links to anything.
          std::filesystem::create_symlink("/proc/self/mem", file, ignored);
          break;
        }
        default: {
          if (std::filesystem::is_fifo(std::filesystem::symlink_status(file, ignored))) break;
          if (std::filesystem::is_symlink(std::filesystem::symlink_status(file, ignored))) break;
          Image damaged = image;
          for (int i = 0; i < 20; ++i) {
            damaged[random() % damaged.size()] = static_cast<unsigned char>(random());
          }
          try {
            write_image(file, damaged);
          } catch (const std::exception&) {
          }
        }
      }
    }
  });
  do {
    Exposition read("");
    const std::string fault = scrape(daemon.port(), &read);
    run.check(fault.empty(), "bad neighbours: " + fault);
    run.check(read.value(good) == 5, "bad neighbours hide the healthy segment");
    ++scrapes;
  } while (Clock::now() < until && !run.hopeless());
  kill_and_reap(vandal);
  run.check(daemon.resident_kb() < 400 * 1024, "bad neighbours make it take memory");
  run.count("scrapes beside bad neighbours", scrapes);
}

}  // namespace

void aggregator_under_attack(Run& run) {
  if (!run.possible("civetweb", "thread")) return;  // it is not instrumented
  const std::string path = run.fresh_path();
  scraped_under_load(run, path);
  ends_and_restarts(run, path);
  update_latency(run, path);
  bad_neighbours(run);
  two_of_them(run, path);
  malformed(run, path);
  slow_and_idle(run, path);
}

}  // namespace metrics::torture
