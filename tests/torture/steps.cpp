// steps.cpp -- SIGKILL at every instruction of the paths where something is claimed, registered,
// reserved, given back.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <thread>

#include "tests/support/eventually.h"
#include "tests/support/shared_memory.h"
#include "tests/torture/cases.h"
#include "tests/torture/ledger.h"
#include "tests/torture/processes.h"
#include "tests/torture/stepper.h"

namespace metrics::torture {
namespace {

constexpr unsigned kRunsOfASegment = 200;
constexpr unsigned kTop = 1'000'000;
constexpr Geometry kGeometry = {4, 4, (kRunsOfASegment + 10) * 602, 512 << 10};
constexpr Geometry kTight = {4, 4, 512, 32 << 10};

// What the scenes of one segment acknowledge.
struct Noted {
  std::atomic<std::uint64_t> begun, done;  // of counter "c"
  std::atomic<std::uint64_t> gauges_begun, gauges_done, added;
  std::atomic<std::uint64_t> first;                          // number that all gauges were set to
  std::atomic<std::uint64_t> set_begun, set_done;            // sums of all of them
  std::atomic<std::uint64_t> observed_begun, observed_done;  // each kObserved, by histogram "n"
  std::atomic<std::uint64_t> run;                            // makes names and labels new
};

void counted(Noted& noted, Counter counter) {
  noted.begun.fetch_add(1);
  counter.inc();
  noted.done.fetch_add(1);
}

constexpr double kObserved = 0.75;
Histogram native_of(const Segment& segment) {
  return Family<Histogram>("n", "", {},
                           {.bounds = {0.5, 0.7, 1},
                            .segment = segment,
                            .native = Native{.factor = 1.2, .min = 0.25, .max = 4}})
      .labels();
}

Counter counter_of(const Segment& segment) {
  return Family<Counter>("c", "", {}, {.segment = segment}).labels();
}

// An exemplar tells its value in its label.
Family<Histogram> traced_of(const Segment& segment) {
  return {"traced", "", {}, {.bounds = {1}, .segment = segment, .exemplars = true}};
}
void trace(const Histogram& traced, double value) {
  traced.observe(value, {{"value", std::to_string(value)}});
}
constexpr double kTracedBefore = 0.25, kTraced = 0.5, kTracedNext = 0.75;

// Every mode's gauge is set to the same number, which grows from run to run; but that of mode max
// to one that falls, so that the least and the largest are those that the dead have left.
struct Gauges {
  explicit Gauges(const Segment& segment) {
    for (int mode = METRICS_ALL; mode <= METRICS_LIVEMOSTRECENT; ++mode) {
      gauges.push_back(Family<Gauge>("g" + std::to_string(mode), "", {},
                                     {.mode = static_cast<Mode>(mode), .segment = segment})
                           .labels());
    }
    added = Family<Gauge>("added", "", {}, {.mode = Mode::kSum, .segment = segment}).labels();
  }
  void set(Noted& noted) {
    const std::uint64_t n = noted.gauges_begun.fetch_add(1) + 1;
    noted.set_begun.fetch_add(n);
    added.inc();
    noted.added.fetch_add(1);
    for (std::size_t mode = 0; mode < gauges.size(); ++mode) {
      gauges[mode].set(static_cast<double>(mode == METRICS_MAX ? kTop - n : n));
    }
    noted.set_done.fetch_add(n);
    if (noted.first == 0) noted.first = n;
    noted.gauges_done.store(n);
  }
  std::vector<Gauge> gauges;
  Gauge added;
};

// Series that scenes remove and make, of a counter, a gauge and an info. Their label values are new
// in each run, so that they are looked up in other chains.
struct Removable {
  Removable(const Segment& in, const Noted& noted)
      : segment(in),
        counter("removable", "", {"a"}, {.segment = in}),
        gauge("removable_size", "", {"a"}, {.mode = Mode::kSum, .segment = in}),
        facts("removable_facts", "", {.segment = in}),
        run(std::to_string(noted.run)) {
    clear();
  }
  void clear() const {
    counter.clear();
    gauge.clear();
    facts.clear();
  }
  // So that more than half of a tight segment is used, and no space is reserved anew where a
  // removed series has some.
  void fill() const {
    const Family<Counter> filling("filling", "", {"a"}, {.segment = segment});
    for (int i = 0; i < kFilling; ++i) filling.labels(std::to_string(i)).inc();
  }
  void make(const std::string& name) const {
    counter.labels(name + run).inc(kMade);
    gauge.labels(name + run).set(kMade);
    facts.state({{"a", name + run}});
  }
  void remove(const std::string& name) const {
    counter.remove(name + run);
    gauge.remove(name + run);
    facts.remove({{"a", name + run}});
  }
  void check(Run& r, const std::string& where, const Look& look) const {
    for (const char* name : {"x", "other"}) {
      const std::string label = name + run;
      r.check(look.count("removable", {label}) == kMade &&
                  look.value("removable_size", {label}) == kMade &&
                  look.has("removable_facts", {label}),
              where + "the next one's " + label + " shows " +
                  std::to_string(look.count("removable", {label})) + ", " +
                  std::to_string(look.value("removable_size", {label})));
    }
  }
  static constexpr int kMade = 7, kFilling = 120;
  Segment segment;
  Family<Counter> counter;
  Family<Gauge> gauge;
  Family<Info> facts;
  std::string run;
};

std::vector<Scene> scenes(const std::string& path, Noted& noted) {
  using Place = Scene::Place;
  const auto open = [&path] { return Segment(path, kGeometry); };
  const auto open_tight = [&path] { return Segment(path, kTight); };
  return {
      {"creation", Place::kProcess,
       [&path] { return [&path] {
                   const Segment segment(path, {4, 4, 512, 4096});
                 }; }},
      {"claim and adoption", Place::kProcess,
       [=, &noted] { return [&noted, counter = counter_of(open())] { counted(noted, counter); }; }},
      {"family and series", Place::kProcess,
       [=, &noted] {
         const Segment segment = open();
         counted(noted, counter_of(segment));
         return [=, &noted] {
           const std::string n = std::to_string(noted.run);
           Family<Counter>("family" + n, "Help.", {"a"}, {.segment = segment}).labels(n);
           counted(noted, counter_of(segment));
         };
       }},
      {"page reservation", Place::kProcess,
       [=, &noted] {
         const Segment segment = open();
         counted(noted, counter_of(segment));
         const Family<Histogram> wide("wide", "", {"a"},
                                      {.bounds = Bounds::linear(1, 1, 600), .segment = segment});
         return [=, &noted] {
           wide.labels(std::to_string(noted.run)).observe(1);
           counted(noted, counter_of(segment));
         };
       }},
      {"observation in a native histogram", Place::kProcess,
       [=, &noted] {
         const Segment segment = open();
         counted(noted, counter_of(segment));
         return [&noted, histogram = native_of(segment)] {
           noted.observed_begun.fetch_add(1);
           histogram.observe(kObserved);
           noted.observed_done.fetch_add(1);
         };
       }},
      {"lane and thread exit", Place::kThread,
       [=, &noted] {
         const Segment segment = open();
         Counter counter = counter_of(segment);
         counted(noted, counter);
         return [=, &noted] { counted(noted, counter); };
       }},
      {"first slot given back", Place::kThread,
       [=, &noted] { return [&noted, counter = counter_of(open())] { counted(noted, counter); }; }},
      {"child side of fork", Place::kForkedChild,
       [=, &noted] {
         const Segment segment = open();
         Counter counter = counter_of(segment);
         counted(noted, counter);
         return [=, &noted] { counted(noted, counter); };
       }},
      {"exemplar over another one", Place::kProcess,
       [=, &noted] {
         const Segment segment = open();
         const Histogram traced = traced_of(segment).labels();
         trace(traced, kTracedBefore);
         return [=, &noted] {
           trace(traced, kTraced);
           counted(noted, counter_of(segment));
         };
       }},
      {"gauges of all modes", Place::kProcess,
       [=, &noted] {
         const Segment segment = open();
         Gauges gauges(segment);
         return [=, &noted]() mutable { gauges.set(noted); };
       }},
      {"removal, and the same series again", Place::kProcess,
       [=, &noted] {
         const Removable series(open(), noted);
         series.make("x");
         return [=, &noted] {
           series.remove("x");
           series.make("x");
           counted(noted, counter_of(series.segment));
         };
       }},
      {"removal, and another series with what it had", Place::kProcess,
       [=, &noted] {
         const Removable series(open_tight(), noted);
         series.fill();
         series.make("x");
         return [=, &noted] {
           series.remove("x");
           series.make("other");
           counted(noted, counter_of(series.segment));
         };
       }},
      {"removal by another process, and a look-up", Place::kProcess,
       [=, &noted] {
         const Removable series(open(), noted);
         series.make("x");
         if (!well(run_child([&] { series.remove("x"); }))) throw std::runtime_error("no removal");
         return [=, &noted] {
           series.make("x");
           counted(noted, counter_of(series.segment));
         };
       }},
  };
}

// The state after a kill: everything acknowledged is there, once; the directory is whole; and the
// next one works. `removes`: the scene removes series, and the next one makes them again.
void check(Run& run, const std::string& where, const std::string& path, Noted& noted,
           bool removes) {
  const std::string file = path + ".v2";
  for (const auto& entry : std::filesystem::directory_iterator(run.directory())) {
    run.check(entry.path().native().ends_with(".v2"), where + "left a file behind");
  }
  const auto compare = [&] {
    if (!std::filesystem::exists(file)) {
      run.check(noted.done == 0, where + "there is no segment, but counts were acknowledged");
      return;
    }
    // The kernel lets go of the lock with the dead one's memory, which a reader of /proc may hold.
    run.check(test::eventually(
                  [&] { return Look(file).owner(1).state == format::Ownership::State::kFree; }),
              where + "the dead one's lock is there");
    const Look look(file);
    for (const std::string& fault : faults_of(file)) run.fault(where + fault);
    const std::uint64_t scraped = look.count("c");
    run.check(scraped >= noted.done && scraped <= noted.begun,
              where + std::to_string(noted.done) + " acknowledged, " + std::to_string(scraped) +
                  " scraped, " + std::to_string(noted.begun) + " begun");
    const std::uint64_t observed = look.count("n");
    run.check(observed >= noted.observed_done && observed <= noted.observed_begun,
              where + std::to_string(noted.observed_done) + " observed, " +
                  std::to_string(observed) + " counted, " + std::to_string(noted.observed_begun) +
                  " begun");
    // Counted first, added second: a share of the sum may be missing, but not a count.
    if (look.has("n")) {
      const double sum = look.value("n") / kObserved;
      run.check(
          sum >= static_cast<double>(noted.observed_done) && sum <= static_cast<double>(observed),
          where + std::to_string(observed) + " counted, the sum is that of " + std::to_string(sum));
    }
    const auto most = static_cast<double>(noted.gauges_begun);
    const auto least = static_cast<double>(noted.gauges_done);
    if (least > 0) {
      const auto within = [&](const char* name, double low, double high) {
        const double value = look.value(name);
        run.check(value >= low && value <= high,
                  where + "gauge " + name + " shows " + std::to_string(value) + " between kills " +
                      std::to_string(low) + " and " + std::to_string(high));
      };
      const auto first = static_cast<double>(noted.first);
      within("g4", 1, first);                // min
      within("g6", kTop - first, kTop - 1);  // max
      within("g8", least, most);             // mostrecent
      // sum
      within("g2", static_cast<double>(noted.set_done), static_cast<double>(noted.set_begun));
      within("added", static_cast<double>(noted.added), most);
      for (const char* live : {"g1", "g5", "g7", "g9"}) {
        run.check(look.samples(live).empty(), where + live + std::string(" lives on"));
      }
      run.check(look.value("g3") == 0, where + "livesum of nobody is not 0");
    }
    for (const reader::Exemplar& e : look.exemplars("traced")) {
      run.check(e.labels.size() == 1 && e.labels[0].value == std::to_string(e.value),
                where + "an exemplar of " + std::to_string(e.value) + " is torn");
    }
    run.check(look.usage().first_slots_used <= 2 && look.usage().lanes_used <= 1,
              where + "slots were not adopted");
  };
  compare();
  const unsigned faults_before = run.faults();
  const auto status = run_child([&] {
    const Segment segment(path, kGeometry);
    counted(noted, counter_of(segment));
    std::thread([&] { counted(noted, counter_of(segment)); }).join();
    Gauges(segment).set(noted);
    trace(traced_of(segment).labels(), kTracedNext);
    const auto shown = Look(file).exemplars("traced");
    if (shown.empty() || shown[0].value != kTracedNext) {
      throw std::runtime_error("the next one's exemplar is not shown");
    }
    if (removes) {
      const Removable series(segment, noted);
      series.make("other");
      series.make("x");
      series.check(run, where, Look(file));
      if (run.faults() > faults_before) ::_exit(69);
    }
    if (segment.status() != METRICS_OK) throw std::runtime_error("next one: " + segment.why());
  });
  run.check(well(status), where + "the next one ended by " + to_text(status));
  compare();
}

}  // namespace

void kill_at_instructions(Run& run) {
  if (!can_step()) return run.skip("no single-stepping here (another CPU, or a sanitizer)");
  std::string path;
  auto& noted = test::shared<Noted>();
  const std::vector<Scene> all = scenes(path, noted);
  for (const Scene& scene : all) {
    const bool creates = &scene == &all.front();
    const auto begin_segment = [&] {
      if (!path.empty()) std::filesystem::remove(path + ".v2");
      path = run.fresh_path();
      for (auto* n : {&noted.begun, &noted.done, &noted.gauges_begun, &noted.gauges_done,
                      &noted.added, &noted.first, &noted.set_begun, &noted.set_done,
                      &noted.observed_begun, &noted.observed_done}) {
        *n = 0;
      }
    };
    begin_segment();
    const Stepper stepper(scene);
    std::vector<std::size_t> order(stepper.length());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), run.random);
    const auto end = run.share(static_cast<unsigned>(all.size()));
    std::uint64_t killed = 0, ended = 0;
    for (const std::size_t n : order) {
      if (Clock::now() > end || run.hopeless()) break;
      if (creates || (killed + ended) % kRunsOfASegment == 0) begin_segment();
      ++noted.run;
      ++(stepper.kill_at(n) ? killed : ended);
      // In a child, so that nothing changes in this process, whose copies take the way that was
      // recorded.
      const auto status = run_child([&] {
        const unsigned before = run.faults();
        check(run, std::string(scene.name) + ", instruction " + std::to_string(n) + ": ", path,
              noted, std::string_view(scene.name).starts_with("removal"));
        ::_exit(static_cast<int>(run.faults() - before));
      });
      if (status && WIFEXITED(*status) && WEXITSTATUS(*status) < 70) {
        run.also_faults(static_cast<unsigned>(WEXITSTATUS(*status)));
      } else {
        run.fault("the check ended by " + to_text(status));
      }
    }
    run.count(
        std::string("kills of ") + std::to_string(order.size()) + " instructions: " + scene.name,
        killed);
    if (ended > 0) run.count("  (took another way and ended before)", ended);
  }
}

}  // namespace metrics::torture
