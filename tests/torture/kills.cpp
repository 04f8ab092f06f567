// kills.cpp -- SIGKILL at random moments: of writers, and of those who create the segment.
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/support/eventually.h"
#include "tests/support/shared_memory.h"
#include "tests/torture/cases.h"
#include "tests/torture/ledger.h"
#include "tests/torture/processes.h"

namespace metrics::torture {
namespace {

using test::eventually;
using test::shared;

constexpr unsigned kWriters = 3;
constexpr unsigned kThreads = 2;
constexpr Geometry kGeometry = {8 * kWriters, 64, 64 * 1024, 16 << 20};

// Threads that come and go, each updating for a while.
[[noreturn]] void write_on(Books& books, std::uint64_t seed) {
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([&books, seed, t] {
      for (std::uint64_t life = 0;; ++life) {
        std::jthread([&books, seed, t, life] {
          std::mt19937_64 random(seed * 1000 + t * 100'003u + life);
          for (std::uint64_t n = random() % 4000; n > 0; --n) books.update(random);
        });
      }
    });
  }
  threads.clear();
  ::_exit(0);
}

void be_writer(Ledger& ledger, const std::string& path, std::uint64_t seed) {
  constexpr int kBehindTheKiller = 10;
  if (::nice(kBehindTheKiller) == -1) ::_exit(72);
  std::mt19937_64 random(seed);
  Books books(ledger, path, kGeometry);
  // Some fork on with threads running and handles inherited; child and parent write then.
  if (random() % 3 == 0) {
    std::jthread writer([&] {
      std::mt19937_64 own(seed + 1);
      for (int i = 0; i < 500; ++i) books.update(own);
    });
    for (std::uint64_t n = random() % 50; n > 0; --n) books.update(random);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(0);
      write_on(books, seed + 2);
    }
  }
  write_on(books, seed);
}

// All children, the writers' included, are gone.
void reap_all() {
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
}

// One segment's life, as long as these kills take.
void kill_writers_of_one_segment(Run& run, unsigned most_kills) {
  const std::string path = run.fresh_path();
  auto& ledger = shared<Ledger>();
  ledger.keys = 32;
  Audit audit(ledger, path + ".v2");
  std::vector<pid_t> writers(kWriters);
  const auto begin = [&] {
    return start([&, seed = run.random()] { be_writer(ledger, path, seed); });
  };
  for (pid_t& writer : writers) writer = begin();

  std::uint64_t kills = 0;
  while (run.more() && !run.hopeless() && kills < most_kills) {
    pause_for(std::chrono::microseconds(run.below(run.below(4) == 0 ? 6000 : 1000)));
    const std::uint64_t victim = run.below(kWriters);
    kill_and_reap(writers[victim]);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {  // a writer's children, which die with it
    }
    ++kills;
    writers[victim] = begin();
    audit(run, false);
    if (kills % 100 == 0) ledger.first_key += 16;  // labels that nobody has used before
    if (kills % 50 == 0) {
      const std::uint64_t before = ledger.updates;
      run.check(eventually([&] { return ledger.updates > before + 1000; }),
                "writers stand still: somebody waits for the dead");
    }
  }
  for (const pid_t writer : writers) ::kill(writer, SIGKILL);
  reap_all();
  audit(run, true);
  run.count("kills, each followed by a scrape and verify", kills);
  run.count("updates acknowledged", ledger.updates);
  run.count("updates in flight when killed, amounts", audit.in_flight());
  const reader::Usage& usage = audit.merge().reader().usage();
  run.count("first slots used, of all segments", usage.first_slots_used);
  run.count("lanes used, of all segments", usage.lanes_used);
  // A writer, its child, and a child that is still dying after its parent was reaped.
  run.check(usage.first_slots_used <= 3 * kWriters,
            "more slots are used than processes ever lived at once");
  run.check(usage.lanes_used <= 3 * kWriters * (kThreads + 1),
            "more lanes are used than threads ever lived at once");
  // The next one adopts.
  run.check(eventually([&] { return Look(path + ".v2").owned() == 0; }),
            "the dead ones' slots are not free");
  const auto status = run_child([&] {
    Books books(ledger, path, kGeometry);
    for (unsigned kind = 0; kind < Books::kKinds; ++kind) books.update(0, kind, 1);
  });
  run.check(well(status), "the next writer ended by " + to_text(status));
  audit(run, true);
  run.check(audit.merge().reader().usage().first_slots_used == usage.first_slots_used,
            "the next writer did not adopt");
  std::filesystem::remove(path + ".v2");
  ::munmap(&ledger, sizeof ledger);
}

}  // namespace

void kill_at_random(Run& run) {
  constexpr unsigned kKillsOfASegment = 1000;
  do {
    kill_writers_of_one_segment(run, kKillsOfASegment);
    run.count("segments");
  } while (run.more() && !run.hopeless());
}

void kill_while_created(Run& run) {
  std::uint64_t complete = 0;
  while (run.more() && !run.hopeless()) {
    const std::string path = run.fresh_path();
    auto& begun = shared<std::atomic<std::uint64_t>>();
    auto& done = shared<std::atomic<std::uint64_t>>();
    std::vector<pid_t> creators;
    for (int i = 0; i < 3; ++i) {
      creators.push_back(start([&] {
        const Segment segment(path, {4, 4, 512, 4096});
        Counter counter = Family<Counter>("c", "", {}, {.segment = segment}).labels();
        begun.fetch_add(1);
        counter.inc();
        done.fetch_add(1);
        ::pause();
      }));
    }
    for (const pid_t creator : creators) {
      pause_for(std::chrono::microseconds(run.below(600)));
      kill_and_reap(creator);
      run.count("kills");
    }
    const std::uint64_t acknowledged = done;
    for (const auto& entry : std::filesystem::directory_iterator(run.directory())) {
      run.check(entry.path().native().ends_with(".v2"),
                "a file is left behind: " + entry.path().native());
    }
    if (std::filesystem::exists(path + ".v2")) {
      ++complete;
      Look look(path + ".v2");
      const std::uint64_t scraped = look.count("c");
      run.check(
          scraped >= acknowledged && scraped <= begun,
          std::to_string(acknowledged) + " acknowledged, " + std::to_string(scraped) + " scraped");
      for (const std::string& fault : faults_of(path + ".v2")) run.fault(fault);
      std::filesystem::remove(path + ".v2");
    } else {
      run.check(acknowledged == 0, "a count was acknowledged, but there is no segment");
    }
    ::munmap(&begun, sizeof begun);
    ::munmap(&done, sizeof done);
  }
  run.count("times the segment had appeared", complete);
}

}  // namespace metrics::torture
