// exemplars.cpp -- SIGKILL, and signal handlers that store one themselves, while an exemplar is
// stored: none is ever shown that is not one as it was stored.
//
// Runs until it has killed 10,000 writers at random, and one at each instruction of an update with
// an exemplar; so it is run by name, and given the time that this takes.
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
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

constexpr unsigned kWriters = 3;
constexpr std::uint64_t kMostKills = 10'000;
constexpr Geometry kGeometry = {4 * kWriters, 4 * kWriters, 1024, 64 << 10};

// All words of an exemplar follow from its number, and its strings stand elsewhere in each.
double value_of(std::uint64_t number) {
  constexpr double kOne = 1.0 / 4096;  // of a bucket
  return static_cast<double>(number % 4) + kOne * static_cast<double>(1 + number / 4 % 4000);
}
struct Text {
  explicit Text(std::uint64_t n) noexcept {
    std::snprintf(number, sizeof number, "%llu", static_cast<unsigned long long>(n));
    const std::size_t size = n % (sizeof filling - 1);
    for (std::size_t i = 0; i < size; ++i) filling[i] = static_cast<char>('a' + n % 26);
  }
  char number[24];
  char filling[64] = {};
};
bool is_whole(const reader::Exemplar& e) {
  const auto& l = e.labels;
  if (l.size() != 3 || l[0].name != "first" || l[1].name != "filling" || l[2].name != "last") {
    return false;
  }
  if (l[0].value.find_first_not_of("0123456789") != std::string::npos) return false;
  const std::uint64_t number = std::strtoull(l[0].value.c_str(), nullptr, 10);
  const Text text(number);
  return l[0].value == text.number && l[1].value == text.filling && l[2].value == text.number &&
         e.value == value_of(number);
}

// A histogram's places, one for each bucket, and a counter's.
struct Traced {
  explicit Traced(const Segment& in)
      : segment(in),
        histogram(Family<Histogram>("traced", "", {},
                                    {.bounds = {1, 2, 3}, .segment = in, .exemplars = true})
                      .labels()),
        counter(Family<Counter>("counted", "", {}, {.segment = in, .exemplars = true}).labels()) {}
  void observe(std::uint64_t number) const noexcept { observe(number, Text(number)); }
  void observe(std::uint64_t number, const Text& t) const noexcept {
    histogram.observe(value_of(number),
                      {{"first", t.number}, {"filling", t.filling}, {"last", t.number}});
  }
  void count(std::uint64_t number) const noexcept { count(number, Text(number)); }
  void count(std::uint64_t number, const Text& t) const noexcept {
    counter.inc(value_of(number),
                {{"first", t.number}, {"filling", t.filling}, {"last", t.number}});
  }
  Segment segment;
  Histogram histogram;
  Counter counter;
};

// What a handler stores in, and the number of what it stores next.
const Traced* interrupted = nullptr;
std::atomic<std::uint64_t> next_in_handler{0};

void store_in_handler(int) {
  if (interrupted == nullptr) return;
  const std::uint64_t number = next_in_handler.fetch_add(1);
  interrupted->observe(number);
  interrupted->count(number);
}

void handle(int signal) {
  struct sigaction action {};
  action.sa_handler = store_in_handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

[[noreturn]] void write_on(const Traced& traced, std::uint64_t seed,
                           std::atomic<std::uint64_t>& stored) {
  constexpr int kBehindTheKiller = 10;
  if (::nice(kBehindTheKiller) == -1) ::_exit(72);
  constexpr std::uint64_t kHandlers = 1'000'000'000'000;
  if (seed % 2 == 0) {
    interrupted = &traced;
    next_in_handler = kHandlers + seed % kHandlers;
    handle(SIGALRM);
    const itimerval often{{0, 200}, {0, 200}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
  }
  const auto store = [&](std::uint64_t first) {
    for (std::uint64_t number = first;; ++number) {
      traced.observe(number);
      if (number % 4 == 0) traced.count(number);
      stored.fetch_add(1, std::memory_order_relaxed);
    }
  };
  std::thread another;
  if (seed % 3 == 0) another = std::thread(store, seed % kHandlers / 2);
  store(seed % kHandlers);
  ::_exit(0);
}

// Scrapes, and checks each exemplar that is shown. Returns them.
std::vector<reader::Exemplar> shown(Run& run, const std::string& when,
                                    reader::SegmentMerge& merge) {
  std::vector<reader::Exemplar> all;
  if (!merge.read() || !merge.read_exemplars()) {
    run.fault(when + "the segment can't be read: " + merge.why());
    return all;
  }
  const reader::Families& families = merge.families();
  for (const reader::Family& f : families.families) {
    for (const reader::Series& s : f.series) {
      for (const reader::Exemplar& e : families.exemplars_of(s)) {
        run.check(is_whole(e), when + "an exemplar of " + f.name + " with value " +
                                   std::to_string(e.value) + " is torn");
        all.push_back(e);
      }
    }
  }
  return all;
}

bool has(const std::vector<reader::Exemplar>& all, std::uint64_t number) {
  return std::ranges::any_of(all, [&](const reader::Exemplar& e) {
    return e.value == value_of(number) && e.labels[0].value == std::to_string(number);
  });
}

void kill_at_random_moments(Run& run) {
  const std::string path = run.fresh_path();
  const Traced traced{Segment(path, kGeometry)};
  auto& stored = test::shared<std::atomic<std::uint64_t>>();
  reader::SegmentMerge merge(path + ".v2");
  const auto begin = [&] {
    return start([&, seed = run.random()] { write_on(traced, seed, stored); });
  };
  std::vector<pid_t> writers(kWriters);
  for (pid_t& writer : writers) writer = begin();
  const auto end = run.share(2);
  std::uint64_t kills = 0, seen = 0, after = 0;
  while (kills < kMostKills && Clock::now() < end && !run.hopeless()) {
    pause_for(std::chrono::microseconds(run.below(run.below(8) == 0 ? 4000 : 500)));
    seen += shown(run, "beside writers: ", merge).size();
    kill_and_reap(writers[run.below(kWriters)]);
    // The dead one first: it is nobody's yet.
    seen += shown(run, "after a kill: ", merge).size();
    ++kills;
    for (pid_t& writer : writers) {
      if (::kill(writer, 0) != 0) writer = begin();
    }
    constexpr std::uint64_t kRound = 500;
    if (kills % kRound != 0) continue;
    // Whatever the dead have left in their places, the next ones' exemplars are shown.
    for (const pid_t writer : writers) kill_and_reap(writer);
    for (std::uint64_t number = 0; number < 4; ++number) {
      const std::uint64_t next = kills * 8 + number;
      const auto status = run_child([&] { traced.observe(next); });
      run.check(well(status), "the next one ended by " + to_text(status));
      run.check(has(shown(run, "of the next one: ", merge), next),
                "the next one's exemplar is not shown");
      ++after;
    }
    for (pid_t& writer : writers) writer = begin();
  }
  for (const pid_t writer : writers) kill_and_reap(writer);
  run.check(merge.reader().usage().first_slots_used <= 2 * kWriters,
            "more slots are used than processes ever lived at once");
  run.count("SIGKILLs at random moments, a scrape before and behind each", kills);
  run.count("  exemplars stored", stored);
  run.count("  exemplars shown, each whole", seen);
  run.count("  exemplars of the next one shown", after);
  std::filesystem::remove(path + ".v2");
  ::munmap(&stored, sizeof stored);
}

constexpr std::uint64_t kBefore = 41, kStored = 82 + 3, kHandled = 164 + 1, kNext = 300 + 1;
static_assert(kBefore % 4 == kStored % 4 && kBefore % 4 == kHandled % 4 && kBefore % 4 == kNext % 4,
              "all in one bucket, and so in one place");

std::vector<Scene> scenes(const std::string& path) {
  // Known handles, a slot, and an exemplar in the place: what is stepped is an update alone.
  const auto prepared = [&path](auto store) {
    return [&path, store] {
      const Traced traced{Segment(path, kGeometry)};
      store(traced, kBefore, Text(kBefore));
      return [traced, store, text = Text(kStored)] {
        interrupted = &traced;
        store(traced, kStored, text);
      };
    };
  };
  return {
      {"histogram", Scene::Place::kProcess,
       prepared([](const Traced& t, std::uint64_t n, const Text& text) { t.observe(n, text); })},
      {"counter", Scene::Place::kProcess,
       prepared([](const Traced& t, std::uint64_t n, const Text& text) { t.count(n, text); })}};
}

// Does `at` to a run of the scene at each of its instructions, in random order, and checks what
// that has left.
void at_instructions(Run& run, const Scene& scene, const std::string& path, const std::string& what,
                     Clock::time_point end,
                     const std::function<bool(const Stepper&, std::size_t)>& at) {
  const Stepper stepper(scene);
  std::vector<std::size_t> order(stepper.length());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), run.random);
  std::uint64_t done = 0, empty = 0, ended = 0;
  for (const std::size_t n : order) {
    if (Clock::now() > end || run.hopeless()) break;
    ++(at(stepper, n) ? done : ended);
    const std::string when = what + ", " + scene.name + ", instruction " + std::to_string(n) + ": ";
    // In a child, so that nothing changes in this process, whose copies take the way that was
    // recorded.
    const auto status = run_child([&] {
      const unsigned before = run.faults();
      reader::SegmentMerge merge(path + ".v2");
      const auto left = shown(run, when, merge);
      const bool none = std::ranges::all_of(
          left, [](const reader::Exemplar& e) { return e.value == value_of(kNext); });
      const Traced traced{Segment(path, kGeometry)};
      traced.observe(kNext);
      traced.count(kNext);
      const auto all = shown(run, when, merge);
      run.check(std::ranges::count(all, value_of(kNext), &reader::Exemplar::value) == 2,
                when + "the next one's exemplars are not shown");
      run.check(merge.reader().usage().first_slots_used == 1, when + "the slot was not adopted");
      ::_exit(run.faults() != before ? 1 : none ? 2 : 0);
    });
    if (status && WIFEXITED(*status) && WEXITSTATUS(*status) <= 2) {
      run.also_faults(WEXITSTATUS(*status) == 1 ? 1 : 0);
      empty += WEXITSTATUS(*status) == 2 ? 1 : 0;
    } else {
      run.fault(when + "the check ended by " + to_text(status));
    }
  }
  run.count(what + " of " + std::to_string(order.size()) + " instructions, " + scene.name, done);
  run.count("  places left empty until the next exemplar, " + what + ", " + scene.name, empty);
  if (ended > 0) run.count("  (took another way and ended before)", ended);
}

}  // namespace

void kill_while_exemplars_are_stored(Run& run) {
  kill_at_random_moments(run);
  if (!can_step()) return run.skip("no single-stepping here (another CPU, or a sanitizer)");
  const std::string path = run.fresh_path();
  for (const Scene& scene : scenes(path)) {
    std::filesystem::remove(path + ".v2");
    at_instructions(run, scene, path, "kills", run.share(8),
                    [](const Stepper& s, std::size_t n) { return s.kill_at(n); });
    std::filesystem::remove(path + ".v2");
    next_in_handler = kHandled;
    handle(SIGUSR1);
    at_instructions(run, scene, path, "handlers", run.share(8),
                    [](const Stepper& s, std::size_t n) { return s.interrupt_at(n, SIGUSR1); });
  }
}

}  // namespace metrics::torture
