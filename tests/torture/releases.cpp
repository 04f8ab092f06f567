// releases.cpp -- a service that is released again and again under load, each time with other
// definitions of its metrics: finer buckets, a label more, a label renamed, another gauge mode, and
// back. Old and new workers run side by side, and are killed; each release's clock is behind the
// one before.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "aggregator/exposition/text.h"
#include "libmetrics/reader/identity.h"
#include "tests/support/eventually.h"
#include "tests/support/shared_memory.h"
#include "tests/torture/cases.h"
#include "tests/torture/clock.h"
#include "tests/torture/exposition.h"
#include "tests/torture/ledger.h"
#include "tests/torture/processes.h"

namespace metrics::torture {
namespace {

constexpr unsigned kWorkers = 4;
constexpr Geometry kGeometry = {32, 64, 64 * 1024, 8 << 20};

struct Release {
  const char* what;
  std::vector<double> bounds;
  LabelNames labels;
  Mode mode;
};
const std::array<Release, 6> kReleases = {{
    {"the first", {.1, .5, 1}, {"route"}, Mode::kLiveMax},
    {"finer buckets", {.1, .25, .5, .75, 1, 2.5}, {"route"}, Mode::kLiveMax},
    {"a label more", {.1, .25, .5, .75, 1, 2.5}, {"route", "code"}, Mode::kLiveMax},
    {"a label renamed", {.1, .25, .5, .75, 1, 2.5}, {"path", "code"}, Mode::kLiveMax},
    {"another gauge mode", {.1, .25, .5, .75, 1, 2.5}, {"path", "code"}, Mode::kLiveSum},
    {"the first again", {.1, .5, 1}, {"route"}, Mode::kLiveMax},
}};

// Bounds that all releases have. What is shown there is exact, whoever has counted it.
constexpr std::array<double, 3> kCommon = {.1, .5, 1};

// What all workers of all releases have begun and acknowledged: all of it, and what took at most as
// long as each common bound.
struct Served {
  std::atomic<std::uint64_t> begun, done;
  std::array<std::atomic<std::uint64_t>, kCommon.size()> begun_up_to, done_up_to;
  // Of each worker: it has set its gauge, and lives.
  std::array<std::atomic<bool>, kWorkers> busy;
};

[[noreturn]] void serve(const std::string& path, const Release& release, Served& served,
                        unsigned worker, std::uint64_t seed) {
  set_clock_back(std::chrono::hours(&release - kReleases.data()));
  const Segment segment(path, kGeometry);
  const Family<Histogram> seconds("request_seconds", "Time.", release.labels,
                                  {.bounds = Bounds(release.bounds), .segment = segment});
  const Family<Counter> requests("requests", release.what, release.labels, {.segment = segment});
  const Family<metrics::Gauge> busy("busy", "", {}, {.mode = release.mode, .segment = segment});
  std::mt19937_64 random(seed);
  busy.labels().set(1);
  served.busy[worker] = true;
  for (;;) {
    const std::string route = "/" + std::to_string(random() % 3);
    const std::string code = random() % 4 == 0 ? "" : "200";
    const double took = static_cast<double>(random() % 3000) / 1000;
    const bool one = release.labels.size() == 1;
    const Histogram h = one ? seconds.labels(route) : seconds.labels(route, code);
    const Counter c = one ? requests.labels(route) : requests.labels(route, code);
    const auto note = [&](std::atomic<std::uint64_t>& all, auto& up_to) {
      all.fetch_add(1);
      for (std::size_t i = 0; i < kCommon.size(); ++i) {
        if (took <= kCommon[i]) up_to[i].fetch_add(1);
      }
    };
    note(served.begun, served.begun_up_to);
    h.observe(took);
    c.inc();
    note(served.done, served.done_up_to);
  }
}

// Compares scrapes with what was acknowledged, and with all scrapes before.
class Watch {
 public:
  Watch(const std::string& file, const Served& served) : served_(served), merge_(file) {}
  bool there() { return merge_.read(); }

  void operator()(Run& run) {
    const std::uint64_t least = served_.done.load();
    std::array<std::uint64_t, kCommon.size()> least_up_to{};
    for (std::size_t i = 0; i < kCommon.size(); ++i) least_up_to[i] = served_.done_up_to[i];
    const std::size_t living = lives();
    if (!run.check(merge_.read(), "a scrape failed: " + merge_.why())) return;
    const std::size_t living_still = lives();
    const std::uint64_t most = served_.begun.load();
    const auto& faults = merge_.reader().catalogue()->faults;
    if (!faults.empty()) run.fault("directory: " + faults.front());
    const reader::Families& all = merge_.families();
    for (const reader::Family& family : all.families) {
      std::uint64_t count = 0;
      std::set<std::string> identities;
      for (const reader::Series& series : family.series) {
        run.check(identities.insert(reader::identity_of(series.labels)).second,
                  family.name + " shows a series twice: an empty label is no label");
        if (family.name == "requests") count += all.counter(series).whole;
        if (family.name == "request_seconds") {
          for (const std::uint64_t bucket : all.buckets(family, series)) count += bucket;
        }
        if (family.name == "busy")
          compare_gauge(run, all.gauge(series), std::min(living, living_still));
      }
      if (family.name == "busy") continue;
      if (family.name == "request_seconds") compare_bounds(run, all, family, least_up_to);
      run.check(count >= least && count <= most,
                family.name + " shows " + std::to_string(count) + ", of " + std::to_string(least) +
                    " acknowledged and " + std::to_string(most) + " begun");
    }
    std::string text;
    encoder_.encode(all, text);
    const Exposition now(text);
    if (!now.fault().empty()) run.fault(now.fault());
    for (const auto& [sample, value] : now.samples()) {
      if (sample.starts_with("busy")) continue;
      double& highest = highest_[sample];
      run.check(value >= highest, sample + " went down to " + std::to_string(value) + " from " +
                                      std::to_string(highest));
      highest = std::max(highest, value);
    }
    // What has no bounds must never be missing once it was there.
    for (const auto& [sample, value] : highest_) {
      if (sample.find("le=") == std::string::npos && !now.has(sample)) {
        run.fault(sample + " is gone");
      }
    }
  }

 private:
  void compare_bounds(Run& run, const reader::Families& all, const reader::Family& family,
                      const std::array<std::uint64_t, kCommon.size()>& least) {
    for (std::size_t i = 0; i < kCommon.size(); ++i) {
      std::uint64_t shown = 0;
      for (const reader::Series& series : family.series) {
        const auto buckets = all.buckets(family, series);
        for (std::size_t b = 0; b < family.bounds.size() && family.bounds[b] <= kCommon[i]; ++b) {
          shown += buckets[b];
        }
      }
      const std::uint64_t most = served_.begun_up_to[i];
      run.check(shown >= least[i] && shown <= most,
                "up to " + std::to_string(kCommon[i]) + " it shows " + std::to_string(shown) +
                    ", of " + std::to_string(least[i]) + " acknowledged and " +
                    std::to_string(most) + " begun");
    }
  }
  std::size_t lives() const {
    return static_cast<std::size_t>(std::count_if(served_.busy.begin(), served_.busy.end(),
                                                  [](const auto& b) { return b.load(); }));
  }
  // Of a sum, each living worker is a part; of a maximum, one is enough.
  void compare_gauge(Run& run, double shown, std::size_t living) {
    const auto& groups = merge_.reader().catalogue()->groups;
    const auto& families = merge_.reader().catalogue()->contents.families;
    const auto busy = std::find_if(groups.begin(), groups.end(), [&](const format::Group& group) {
      return families[group.last].name == "busy";
    });
    const bool sums = families[busy->last].mode == format::Mode::kLiveSum;
    const double least = living == 0 ? 0 : sums ? static_cast<double>(living) : 1;
    run.check(shown >= least, "busy shows " + std::to_string(shown) + " of " +
                                  std::to_string(living) + " living workers");
    if (!sums) run.check(shown <= 1, "busy shows more than any worker has set");
  }

  const Served& served_;
  reader::SegmentMerge merge_;
  exposition::TextEncoder encoder_;
  std::unordered_map<std::string, double> highest_;
};

}  // namespace

void released_under_load(Run& run) {
  std::uint64_t released = 0, killed = 0, scrapes = 0;
  while (run.more() && !run.hopeless()) {
    const std::string path = run.fresh_path();
    auto& served = test::shared<Served>();
    std::array<pid_t, kWorkers> workers{};
    const auto begin = [&](unsigned worker, const Release& release) {
      workers[worker] = start([&, worker, seed = run.random()] {
        constexpr int kBehindTheReader = 5;
        if (::nice(kBehindTheReader) == -1) ::_exit(72);
        serve(path, release, served, worker, seed);
      });
      run.check(test::eventually([&] { return served.busy[worker].load(); }),
                std::string("no worker of ") + release.what);
    };
    const auto end = [&](unsigned worker) {
      served.busy[worker] = false;
      kill_and_reap(workers[worker]);
      ++killed;
    };
    for (unsigned i = 0; i < kWorkers; ++i) begin(i, kReleases[0]);
    Watch watch(path + ".v2", served);
    run.check(watch.there(), "no segment");
    for (const Release& release : kReleases) {
      ++released;
      for (unsigned i = 0; i < kWorkers && !run.hopeless(); ++i) {
        end(i);
        begin(i, release);
        for (int n = 0; n < 3; ++n, ++scrapes) watch(run);
        // A worker of whichever release dies by itself, and its master, of the new one, forks
        // another.
        if (run.below(3) == 0) {
          const auto victim = static_cast<unsigned>(run.below(i + 1));
          end(victim);
          begin(victim, release);
          watch(run);
        }
      }
    }
    for (unsigned i = 0; i < kWorkers; ++i) end(i);
    watch(run);
    run.check(served.done > 0, "nothing was counted");
    const Look look(path + ".v2");
    // One may have been under way in each worker that was killed, in one of its two metrics.
    run.check(served.begun - served.done <= killed, "more was under way than workers were killed");
    for (const std::string& fault : faults_of(path + ".v2")) run.fault(fault);
    run.check(!look.has("busy") || look.value("busy") == 0, "busy shows the dead");
  }
  run.count("releases", released);
  run.count("workers killed", killed);
  run.count("scrapes compared", scrapes);
}

}  // namespace metrics::torture
