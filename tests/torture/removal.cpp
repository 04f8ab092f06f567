// removal.cpp -- series are removed, made anew, counted in, inherited and killed, all at once.
//
// Exporters clear their series and set them anew. Workers have a series for each task, in which
// threads count that do nothing else. All of them fork: children inherit handles and only update,
// some of them without a slot. What all of them share is looked up by each, again and again. Any of
// these processes is killed at any moment; the next one goes on where it was, or removes what it
// finds.
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include "libmetrics/reader/held_back.h"
#include "libmetrics/reader/verify.h"
#include "tests/support/eventually.h"
#include "tests/support/shared_memory.h"
#include "tests/torture/cases.h"
#include "tests/torture/ledger.h"
#include "tests/torture/lives.h"
#include "tests/torture/processes.h"

namespace metrics::torture {
namespace {

using test::eventually;
using test::shared;

constexpr unsigned kThreads = 2;   // of each worker
constexpr unsigned kChildren = 2;  // that a process has at a time, at most

// One segment is roomy, the next one is tight: there the cells are mostly used, so that they go
// from one record to another, and nothing happens that holds back a series for good.
struct Setting {
  Geometry geometry;
  bool is_tight;
};
constexpr Setting kSettings[] = {{{20, 12, 1 << 20, 64 << 20}, false},
                                 {{20, 12, 8192, 1 << 20}, true}};

// One process's way of living. Its number is its role's; a killed one's successor has the same.
class Role {
 public:
  Role(Lives& lives, const std::string& path, const Setting& setting, unsigned number,
       std::uint64_t seed)
      : lives_(lives),
        setting_(setting),
        number_(number),
        random_(seed),
        segment_(path, setting.geometry),
        stays_("stays", "", {"key"}, {.segment = segment_}),
        comes_("comes", "", {"key"}, {.segment = segment_}),
        own_(segment_, number < Lives::kExporters ? "exporter" + std::to_string(number) : "task"),
        facts_("facts" + std::to_string(number), "", {.segment = segment_}) {}

  [[noreturn]] void live() {
    if (number_ < Lives::kExporters) {
      be_exporter();
    } else if (number_ + 1 < Lives::kRoles) {
      be_worker();
    }
    for (;;) {
      share(20);
      remove_shared();
      remove_others_task();
      be_parent();
    }
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  unsigned place_of(unsigned i) const { return number_ * Lives::kPlaces + i; }
  Place& place(unsigned i) { return lives_.places[place_of(i)]; }
  static Kind kind_of(unsigned i) { return static_cast<Kind>(i % kKinds); }

  // What may still be shown of the place's life: anything from here on.
  void end_life(unsigned i) { place(i).now.store(place(i).now.load() & ~std::uint64_t{1}); }
  std::uint64_t begin_life(unsigned i) {
    const std::uint64_t life = lives_.last.fetch_add(1) + 1;
    if (life >= Lives::kMost) ::pause();  // until the segment is given up
    lives_.lives[life].place.store(place_of(i));
    place(i).now.store(life << 1);
    return life;
  }
  // The series is there, and counts.
  void lives_now(unsigned i, const Held& held) {
    held.update(lives_);
    held_[i] = held;
    place(i).now.store(held.life << 1 | 1);
  }
  // Of the series that a killed predecessor has left, this one goes on with a few.
  bool takes_over(unsigned i) {
    return !setting_.is_tight && place(i).now.load() % 2 == 1 && below(16) == 0;
  }

  // ---- exporters ----

  [[noreturn]] void be_exporter() {
    bool taken_over = false;
    for (unsigned i = 0; i < Lives::kPlaces; ++i) {
      if (!takes_over(i)) continue;
      taken_over = true;
      lives_now(i, own_.held(kind_of(i), label_of_place(place_of(i)), place(i).now.load() >> 1));
    }
    if (taken_over) round(false);
    for (;;) round(true);
  }

  void round(bool anew) {
    if (anew) {
      for (unsigned i = 0; i < Lives::kPlaces; ++i) end_life(i);
      if (below(2) == 0) {
        own_.clear();
      } else {
        for (unsigned i = 0; i < Lives::kPlaces; ++i) {
          own_.remove(kind_of(i), label_of_place(place_of(i)));
        }
      }
      for (unsigned i = 0; i < Lives::kPlaces; ++i) {
        const std::uint64_t life = begin_life(i);
        lives_now(i, own_.held(kind_of(i), label_of_place(place_of(i)), life));
      }
      facts_.clear();
      facts_.state({{"round", std::to_string(held_[0].life)}});
    }
    for (std::uint64_t n = below(30); n > 0; --n) {
      const Held& held = held_[below(Lives::kPlaces)];
      if (held.life != 0) held.update(lives_);
    }
    share(3);
    be_parent();
  }

  // ---- workers ----

  // What threads count in: copied, so that they hold no lock while they count.
  struct Shown {
    std::mutex mutex;
    std::array<Held, Lives::kPlaces> held;
    std::array<std::atomic<std::uint64_t>, kThreads> seen;  // how often each said where it is
  };

  void count_on(Shown& shown, unsigned thread, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (std::uint64_t n = 0;; ++n) {
      Held held;
      {
        const std::lock_guard lock(shown.mutex);
        held = shown.held[random() % Lives::kPlaces];
      }
      for (std::uint64_t k = random() % 8; k > 0 && held.life != 0; --k) held.update(lives_);
      if (n % 4 != 0) continue;
      metrics_quiescent();
      shown.seen[thread].fetch_add(1);
    }
  }

  [[noreturn]] void be_worker() {
    Shown shown;
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t, seed = random_()] { count_on(shown, t, seed); });
    }
    for (unsigned i = 0; i < Lives::kPlaces; ++i) task(shown, i, takes_over(i));
    for (std::uint64_t n = 0;; ++n) {
      task(shown, static_cast<unsigned>(below(Lives::kPlaces)), false);
      for (std::uint64_t k = below(10); k > 0; --k) held_[below(Lives::kPlaces)].update(lives_);
      if (below(8) == 0) {
        std::jthread([&] { held_[0].update(lives_); });
      }
      share(1);
      be_parent();
      // Threads that don't say where they are hold back what is removed meanwhile: wait for them.
      for (unsigned t = 0; t < kThreads && n % 8 == 0; ++t) {
        const std::uint64_t before = shown.seen[t];
        eventually([&] { return shown.seen[t] > before + 1; });
      }
    }
  }

  void task(Shown& shown, unsigned i, bool goes_on) {
    const std::uint64_t before = place(i).now.load() >> 1;
    std::uint64_t life = before;
    if (!goes_on) {
      end_life(i);
      if (before != 0) own_.remove(kind_of(i), label_of_task(before));
      life = begin_life(i);
    }
    lives_now(i, own_.held(kind_of(i), label_of_task(life), life));
    const std::lock_guard lock(shown.mutex);
    shown.held[i] = held_[i];
  }

  // ---- all ----

  void share(unsigned n) {
    for (; n > 0; --n) {
      const auto key = static_cast<unsigned>(below(Lives::kShared));
      const bool stays = setting_.is_tight || below(2) == 0;
      Updates& noted = stays ? lives_.stays[key] : lives_.comes_and_goes[key];
      noted.begun.fetch_add(1);
      (stays ? stays_ : comes_).labels(label_of_shared(key)).inc(prime_of_shared(key));
      noted.done.fetch_add(1);
    }
  }
  // Each of its lives is held back for good: so, seldom.
  void remove_shared() {
    if (setting_.is_tight || below(10) != 0) return;
    comes_.remove(label_of_shared(static_cast<unsigned>(below(Lives::kShared))));
  }

  // Removes a worker's task under its hands: the worker counts on in it for a while. Not where one
  // that goes on with a killed one's task could make it again.
  void remove_others_task() {
    const auto i = static_cast<unsigned>(below(Lives::kWorkers * Lives::kPlaces));
    std::atomic<std::uint64_t>& place = lives_.places[Lives::kExporters * Lives::kPlaces + i].now;
    std::uint64_t now = place.load();
    if (!setting_.is_tight || now % 2 == 0 || below(4) != 0) return;
    if (place.compare_exchange_strong(now, now - 1)) {
      own_.remove(kind_of(i), label_of_task(now >> 1));
    }
  }

  // Forks children that only update what they inherit, and end at some time.
  void be_parent() {
    while (children_ > 0 && ::waitpid(-1, nullptr, WNOHANG) > 0) --children_;
    if (children_ >= kChildren || below(12) != 0) return;
    const pid_t parent = ::getpid();
    const std::uint64_t seed = random_();
    const pid_t child = ::fork();
    if (child > 0) ++children_;
    if (child != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(0);
    be_child(seed);
  }

  [[noreturn]] void be_child(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    // It can reserve no pages then, so it gets no slot. It holds back every record while it lives.
    const bool has_no_slot = !setting_.is_tight && random() % 4 == 0;
    if (has_no_slot) {
      const rlimit none{0, 0};
      ::setrlimit(RLIMIT_FSIZE, &none);
    }
    for (std::uint64_t n = random() % (has_no_slot ? 20 : 400); n > 0; --n) {
      if (has_no_slot) pause_for(std::chrono::microseconds(random() % 500));
      const Held& held = held_[random() % Lives::kPlaces];
      if (held.life == 0) continue;
      if (held.kind == Kind::kGauge) {
        // What a process without a slot adds is dropped, and so it is never noted as done.
        lives_.lives[held.life].updates.begun.fetch_add(1);
        held.gauge.inc(static_cast<double>(prime_of(held.life)));
      } else {
        held.update(lives_);
      }
      if (random() % 64 == 0) pause_for(std::chrono::microseconds(random() % 500));
    }
    ::_exit(0);
  }

  Lives& lives_;
  const Setting& setting_;
  const unsigned number_;
  std::mt19937_64 random_;
  Segment segment_;
  Family<Counter> stays_, comes_;
  Kinds own_;
  Family<Info> facts_;
  std::array<Held, Lives::kPlaces> held_;
  unsigned children_ = 0;
};

// Nothing is refused. In a tight segment that means that space is used again: without, it is full
// after some thousand lives, and series that live are not there.
void check_space(Run& run, const std::string& file, const Setting& setting, std::uint64_t kills) {
  reader::Reader reader(file);
  if (!run.check(reader.look(), "the segment can't be read in the end")) return;
  const reader::Usage& usage = reader.usage();
  for (const auto reason :
       {format::Drop::kDirectoryFull, format::Drop::kCellsFull, format::Drop::kSeriesNoSpace}) {
    const std::uint64_t dropped = usage.dropped[static_cast<std::size_t>(reason)];
    run.check(dropped == 0, std::to_string(dropped) + " were refused, for reason " +
                                std::to_string(static_cast<unsigned>(reason)));
  }
  run.check(usage.unowned == 0, "reuse was given up");
  std::uint64_t of_several = 0;
  for (const auto& family : reader::held_back(reader).families) of_several += family.of_several;
  run.count("series held back for good, of all segments", of_several);
  run.count("cells used, of all segments", usage.cells_used);
  run.count("directory used, of all segments", usage.directory_used);
  if (!setting.is_tight) return;
  // What was never used again would take all of it in the first seconds.
  run.check(of_several <= kills, std::to_string(of_several) + " series are held back for good");
}

void one_segment(Run& run, const Setting& setting, std::uint64_t most_kills) {
  const std::string path = run.fresh_path();
  const std::string file = path + ".v2";
  auto& lives = shared<Lives>();
  LivesAudit audit(lives, file);
  std::vector<pid_t> roles(Lives::kRoles);
  const auto begin = [&](unsigned number) {
    return start([&, number, seed = run.random()] {
      constexpr int kBehindTheKiller = 10;
      if (::nice(kBehindTheKiller) == -1) ::_exit(72);
      Role(lives, path, setting, number, seed).live();
    });
  };
  for (unsigned i = 0; i < roles.size(); ++i) roles[i] = begin(i);
  run.check(eventually([&] { return lives.updates > 1000; }), "nobody counts");

  std::uint64_t kills = 0;
  while (run.more() && !run.hopeless() && kills < most_kills && lives.last < Lives::kMost * 3 / 4) {
    pause_for(std::chrono::microseconds(run.below(run.below(4) == 0 ? 40'000 : 4'000)));
    audit(run);
    const auto victim = static_cast<unsigned>(run.below(roles.size()));
    kill_and_reap(roles[victim]);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {  // their children, which die with them
    }
    ++kills;
    audit(run);
    roles[victim] = begin(victim);
    if (kills % 50 == 0) {
      const std::uint64_t before = lives.updates;
      run.check(eventually([&] { return lives.updates > before + 1000; }),
                "everybody stands still: somebody waits for the dead");
      for (const std::string& fault : reader::verify(audit.merge().reader())) run.fault(fault);
    }
  }
  for (const pid_t pid : roles) ::kill(pid, SIGKILL);
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  audit(run);
  check_space(run, file, setting, kills);
  run.count("kills, each between two scrapes", kills);
  run.count("lives of series", lives.last);
  run.count("updates acknowledged", lives.updates);
  run.count("series compared that were there all the time", audit.sure());
  std::filesystem::remove(file);
  ::munmap(&lives, sizeof lives);
}

}  // namespace

void removed_and_made_anew(Run& run) {
  constexpr std::uint64_t kKillsOfASegment = 600;
  do {
    const Setting& setting = kSettings[run.below(std::size(kSettings))];
    one_segment(run, setting, run.seconds() < 5 ? 12 : kKillsOfASegment);
    run.count("segments");
  } while (run.more() && !run.hopeless());
}

}  // namespace metrics::torture
