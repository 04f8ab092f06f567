// churn.cpp -- label sets come and go all the time: a thousand new ones each second, and as many
// removed, beside a scrape each second. What lives is shown, what is gone is not, and neither
// scrapes nor the aggregator's memory nor the segment grow.
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "metrics/metrics.hpp"
#include "tests/aggregator/http/client.h"
#include "tests/support/gate.h"
#include "tests/support/shared_memory.h"
#include "tests/torture/cases.h"
#include "tests/torture/daemon.h"
#include "tests/torture/exposition.h"
#include "tests/torture/processes.h"
#include "tests/torture/program.h"
#include "tests/torture/trend.h"

namespace metrics::torture {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kEachSecond = 1000;
constexpr std::uint64_t kLiving = 10 * kEachSecond;  // of those that come and go, at most
constexpr std::uint64_t kStaying = 10'000;
constexpr Geometry kGeometry = {16, 16, 1 << 18, 32 << 20};

// Series are numbered as they are made, and removed in that order.
struct Progress {
  std::atomic<std::uint64_t> made;               // those below have been counted in
  std::atomic<std::uint64_t> removing, removed;  // those below may be gone; are gone
};

// All are as long, and so are counts: else a text that grows would be taken for a leak.
constexpr std::uint64_t kLong = 1'000'000'000;
std::string task(std::uint64_t number) { return "task " + std::to_string(kLong + number); }
std::uint64_t count_of(std::uint64_t number) { return number % 7 + 1; }

// Registers and counts in what stays, and then goes on with what comes and goes, if it shall.
[[noreturn]] void live(const std::string& path, Progress* progress, test::Gate& up) {
  const Segment segment(path, kGeometry);
  const Family<Counter> stays("stays", "", {"n"}, {.segment = segment});
  const Family<Counter> tasks("tasks", "", {"task"}, {.segment = segment});
  std::vector<Counter> staying;
  for (std::uint64_t i = 0; i < kStaying; ++i) {
    staying.push_back(stays.labels(task(i)));
    staying.back().inc(kLong);
  }
  for (std::uint64_t i = 0; i < kLiving; ++i) tasks.labels(task(i)).inc(count_of(i));
  if (progress != nullptr) progress->made = kLiving;
  up.let_pass();
  const auto begin = Clock::now();
  for (;;) {
    for (const Counter& counter : staying) counter.inc();
    if (progress != nullptr) {
      const auto passed = std::chrono::duration_cast<milliseconds>(Clock::now() - begin).count();
      const std::uint64_t due = kLiving + static_cast<std::uint64_t>(passed) * kEachSecond / 1000;
      for (std::uint64_t next = progress->made; next < due; ++next) {
        progress->removing = next + 1 - kLiving;
        tasks.remove(task(next - kLiving));
        progress->removed = next + 1 - kLiving;
        tasks.labels(task(next)).inc(count_of(next));
        progress->made = next + 1;
      }
    }
    pause_for(milliseconds(10));
  }
}

class Worker {
 public:
  Worker(const std::string& path, Progress* progress) {
    test::Gate up;
    pid_ = start([&] { live(path, progress, up); });
    must(up.try_pass(), "no worker");
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() { kill_and_reap(pid_); }

 private:
  pid_t pid_;
};

// Scrapes, and returns the nanoseconds of CPU time that this has cost the daemon.
std::uint64_t scrape(const Daemon& daemon, std::string& text) {
  const std::uint64_t before = daemon.cpu_ns();
  const test::Answer answer = test::get(daemon.port(), "/metrics");
  must(answer.status == 200 && answer.whole, "status " + std::to_string(answer.status));
  text = answer.body;
  return daemon.cpu_ns() - before;
}

// Every difference between what was shown and what lived is a fault. `before` and `after` are as of
// the moments before and after the scrape.
void audit(Run& run, const std::string& text, std::uint64_t made_before,
           std::uint64_t removed_before, std::uint64_t removing_after) {
  const Exposition shown(text);
  run.check(shown.fault().empty(), "churn: " + shown.fault());
  const auto sample = [](std::uint64_t n) { return "tasks_total{task=\"" + task(n) + "\"}"; };
  for (std::uint64_t n = removing_after; n < made_before && !run.hopeless(); ++n) {
    run.check(shown.value(sample(n)) == static_cast<double>(count_of(n)),
              "churn: " + sample(n) + " was counted in, and is not shown as that");
  }
  const std::uint64_t oldest = removed_before > kLiving ? removed_before - kLiving : 0;
  for (std::uint64_t n = oldest; n < removed_before && !run.hopeless(); ++n) {
    run.check(!shown.has(sample(n)), "churn: " + sample(n) + " is shown, and was removed");
  }
}

std::uint64_t space_of(const std::string& path) {
  struct stat info {};
  must(::stat((path + ".v2").c_str(), &info) == 0, "no segment");
  return static_cast<std::uint64_t>(info.st_blocks) / 2;
}

// Judges a figure by how much it has grown from the first to the last time, in percent. Short runs
// have only begun when they end.
void judge(Run& run, const std::string& what, const Trend& trend, double most_percent) {
  run.count("  " + what + ", first quarter", static_cast<std::uint64_t>(trend.early()));
  run.count("  " + what + ", last quarter", static_cast<std::uint64_t>(trend.late()));
  constexpr double kLongEnough = 60;  // seconds
  if (run.seconds() < kLongEnough) return;
  const double percent = 100 * trend.growth();
  run.check(percent <= most_percent,
            "churn: " + what + " has grown by " + std::to_string(percent) + " %, by its slope");
}

}  // namespace

void label_sets_come_and_go(Run& run) {
  if (!run.possible("civetweb", "thread")) return;  // it is not instrumented
  const std::string path = run.fresh_path(), still_path = run.fresh_path();
  auto& progress = test::shared<Progress>();
  const Worker worker(path, &progress);
  // Beside it, as many series that stay: what else slows this machine slows both.
  const Worker still_worker(still_path, nullptr);
  const Daemon daemon({path}), still({still_path});
  std::string text, still_text;
  scrape(daemon, text);
  scrape(still, still_text);
  Trend memory, space, cost;
  std::uint64_t scrapes = 0;
  auto next = Clock::now();
  do {
    next = std::max(next + seconds(1), Clock::now());
    pause_for(std::chrono::duration_cast<std::chrono::microseconds>(
        std::max(next - Clock::now(), Clock::duration::zero())));
    const std::uint64_t made = progress.made, removed = progress.removed;
    const std::uint64_t ns = scrape(daemon, text);
    audit(run, text, made, removed, progress.removing);
    const std::uint64_t still_ns = scrape(still, still_text);
    // The first times are not like those that follow: tables and caches grow to their size.
    if (static_cast<double>(++scrapes) > run.seconds() / 5) {
      memory.add(static_cast<double>(daemon.anonymous_kb()));
      space.add(static_cast<double>(space_of(path)));
      cost.add(100 * static_cast<double>(ns) / static_cast<double>(still_ns));
    }
  } while (run.more() && !run.hopeless());
  run.count("scrapes, a second apart", scrapes);
  run.count("  series made, and as many removed", progress.removed);
  run.count("  bytes of the last text", text.size());
  judge(run, "CPU time of a scrape, percent of one of as many that stay", cost, 10);
  judge(run, "aggregator's anonymous memory, kB", memory, 5);
  judge(run, "segment's memory, kB", space, 5);
}

}  // namespace metrics::torture
