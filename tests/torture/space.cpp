// space.cpp -- no space, and what else runs out. No worker ever gets a signal or an exception; what
// is not counted is reported; what was acknowledged as counted is there.
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/gate.h"
#include "tests/support/options.h"
#include "tests/support/shared_memory.h"
#include "tests/torture/cases.h"
#include "tests/torture/limits.h"
#include "tests/torture/scenery.h"

namespace metrics::torture {
namespace {

using std::chrono::seconds;
using test::Gate;
using test::shared;

void full_before_creation(Scenery& s) {
  const Mount m(s.mount_point, "size=64k");
  m.fill();
  Program p(m.path(), s.tally);
  must(p.segment.status() == METRICS_NO_SPACE, "status is not NO_SPACE");
  p.counter.inc();
  p.histogram.observe(1);
  p.gauge.set(1);
  std::thread([&] { p.counter.inc(); }).join();
  must(!std::filesystem::exists(m.path() + ".v2"), "there is a file");
}

void full_before_claim(Scenery& s) {
  const Mount m(s.mount_point, "size=2m");
  Program p(m.path(), s.tally, kRoomy);
  m.fill();
  p.update(100);
  p.gauge.set(1);
  std::thread([&] { p.update(10); }).join();
  must(p.segment.status() == METRICS_NO_SPACE, "status is not NO_SPACE");
  must_end_well(start([&] { p.update(10); }), "a child");
  must_be_same(m, s.tally, "full");
  const Look look(m.path() + ".v2");
  must(look.dropped(format::Drop::kClaimNoSpace) >= 2, "failed claims are not reported");
  must(look.dropped(format::Drop::kGaugeWithoutSlot) == 1, "a dropped gauge is not reported");
  m.empty();
  must_end_well(start([&] {
                  p.update(10);
                  must(p.segment.status() == METRICS_OK, "a child with space has no slot");
                }),
                "a child with space");
  must_be_same(m, s.tally, "emptied");
}

void full_before_series(Scenery& s) {
  const Mount m(s.mount_point, "size=2m");
  Program p(m.path(), s.tally, kRoomy);
  Gate go, did;
  std::jthread other([&] {
    p.update();
    did.let_pass();
    go.try_pass();
    p.update(10);
  });
  did.pass();
  p.update();
  m.fill();
  observe_all(wide(p, "refused"));
  must(metrics_last_error()[0] != '\0', "no reason is reported");
  p.update(10);
  go.let_pass();
  other.join();
  must(Look(m.path() + ".v2").dropped(format::Drop::kSeriesNoSpace) >= 1, "nothing is reported");
  m.empty();
  observe_all(wide(p, "refused"));
  const Look look(m.path() + ".v2");
  must(look.count("wide", {"refused"}) == kAllObserved, "a later call does not try again");
  must_be_same(m, s.tally, "in the end");
}

void bound_by_one_touched_by_another(Scenery& s) {
  const Mount m(s.mount_point, "size=2m");
  Program p(m.path(), s.tally, kRoomy);
  Gate go, did;
  std::vector<Histogram> got;
  std::jthread other([&] {
    p.update();
    did.let_pass();
    go.try_pass();
    for (const Histogram& h : got) observe_all(h);
  });
  did.pass();
  p.update();
  for (const char* n : {"a", "b", "c"}) got.push_back(wide(p, n));
  m.fill();
  go.let_pass();
  other.join();
  // And by a child, which can't have a slot, and by a thread, which can't have a lane.
  must_end_well(start([&] {
                  for (const Histogram& h : got) observe_all(h);
                }),
                "a child");
  std::thread([&] {
    for (const Histogram& h : got) observe_all(h);
  }).join();
  const Look look(m.path() + ".v2");
  for (const char* n : {"a", "b", "c"}) {
    must(look.count("wide", {n}) == 3 * kAllObserved,
         "counts are lost where another thread has bound them");
  }
  must_be_same(m, s.tally, "in the end");
}

void filling_up(Scenery& s) {
  const Mount m(s.mount_point, "size=1m");
  Program p(m.path(), s.tally, kRoomy);
  std::vector<std::jthread> threads;
  auto& accepted = shared<std::atomic<std::uint64_t>>();
  const auto work = [&](unsigned t) {
    for (unsigned i = 0; i < 60; ++i) {
      p.update();
      metrics_family* family = nullptr;
      metrics_histogram* h = nullptr;
      const std::string label = std::to_string(t) + "-" + std::to_string(i);
      const char* labels[] = {"n"};
      const char* values[] = {label.c_str()};
      std::vector<double> many(1000);
      for (std::size_t b = 0; b < many.size(); ++b) many[b] = static_cast<double>(b);
      metrics_family_of(p.segment.get(), METRICS_HISTOGRAM, "wide", "", labels, 1,
                        test::Options().bounds(many).get(), &family);
      const metrics_status status = metrics_histogram_labels(family, values, 1, &h);
      metrics_histogram_observe(h, 999.5);
      if (status == METRICS_OK) accepted.fetch_add(1);
    }
  };
  for (unsigned t = 0; t < 3; ++t) threads.emplace_back(work, t);
  must_end_well(start([&] { work(9); }), "a child");
  threads.clear();
  must_be_same(m, s.tally, "filled up");
  const Look look(m.path() + ".v2");
  std::uint64_t there = 0;
  for (const unsigned t : {0u, 1u, 2u, 9u}) {
    for (unsigned i = 0; i < 60; ++i) {
      there += look.count("wide", {std::to_string(t) + "-" + std::to_string(i)});
    }
  }
  must(there == accepted, std::to_string(accepted) +
                              " observations of series that were to be had, " +
                              std::to_string(there) + " scraped");
  must(accepted < 240, "nothing filled up");
}

void no_inodes(Scenery& s) {
  const Mount m(s.mount_point, "size=2m,nr_inodes=4");
  for (int i = 0; i < 4; ++i) std::ofstream(m.path("f" + std::to_string(i)));
  Program p(m.path(), s.tally);
  p.counter.inc();
  must(p.segment.status() == METRICS_NO_SPACE, "status is not NO_SPACE");
}

void mount_flags(Scenery& s) {
  const Mount m(s.mount_point, "size=8m");
  {
    Program p(m.path(), s.tally, kRoomy);
    p.update();
  }
  // No-exec: nothing of ours is executed.
  must(::mount("none", s.mount_point.c_str(), "none", MS_REMOUNT | MS_NOEXEC, "size=8m") == 0,
       "remount");
  const std::string path = m.path("noexec");
  must_end_well(start([&] {
                  Program q(path, shared<Tally>(), kRoomy);
                  q.update();
                  must(q.segment.status() == METRICS_OK, "no-exec matters");
                }),
                "a worker on a no-exec mount");
  const std::string there = s.mount_point + "-ro";
  std::filesystem::create_directory(there);
  must(::mount(s.mount_point.c_str(), there.c_str(), "none", MS_BIND, nullptr) == 0 &&
           ::mount("none", there.c_str(), "none", MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0,
       "a read-only mount");
  must_end_well(start([&] {
                  for (const char* name : {"/segment", "/new"}) {
                    Program q(there + name, s.tally, kRoomy);
                    must(q.segment.status() == METRICS_NO_PERMISSION, "not NO_PERMISSION");
                    q.counter.inc();
                  }
                }),
                "a worker on a read-only mount");
  const Look read_only(there + "/segment.v2");
  must(read_only.count("c") == s.tally.counts, "a read-only mount can't be read");
  ::umount2(there.c_str(), MNT_DETACH);
  std::filesystem::remove(there);
  must_be_same(m, s.tally, "in the end");
}

std::uint64_t blocks(const std::string& file) {
  struct stat info {};
  must(::stat(file.c_str(), &info) == 0, "stat");
  return static_cast<std::uint64_t>(info.st_blocks);
}

void locked_memory_and_dumps(Scenery& s) {
  const Mount m(s.mount_point, "size=64m");
  constexpr Geometry kHuge = {64, 64, 1 << 20,
                              64 * 1024};  // 8 MB a slot: a gigabyte, if it were all filled
  Program p(m.path(), s.tally, kHuge);
  const std::string file = m.path() + ".v2";
  must_end_well(start([&] {
                  p.update();
                  if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) return;  // not allowed here
                  p.update(10);
                  std::thread([&] { p.update(10); }).join();
                  observe_all(wide(p, "x"));
                }),
                "a worker that locks its memory");
  // Slot 0, its own, and its thread's, at the most.
  must(blocks(file) * 512 < (3 * 8 + 2) << 20, "mlockall() fills the file");
  must_be_same(m, s.tally, "locked");
  const std::uint64_t before = blocks(file);
  const auto dumped = run_child([&] {
    must(::chdir(m.path("").c_str()) == 0, "chdir");
    const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_CORE, &all);
    p.update();
    ::signal(SIGABRT, SIG_DFL);
    ::abort();
  });
  must(dumped && WIFSIGNALED(*dumped), "no abort()");
  must(blocks(file) < before + 256, "a core dump fills the file");
  must_be_same(m, s.tally, "dumped");
}

struct Part {
  const char* what;
  void (*go)(Scenery&);
  std::string_view not_watched_by = {};
};
constexpr Part kParts[] = {
    {"full before creation", full_before_creation},
    {"full between creation and claim", full_before_claim},
    {"full between claim and a new series", full_before_series},
    {"bound by one thread, touched by another", bound_by_one_touched_by_another},
    // A child that allocates where its parent's threads do may find a sanitizer's allocator locked.
    {"filling up under three threads and a child", filling_up, "address thread"},
    {"no inodes", no_inodes},
    {"RLIMIT_FSIZE", file_size_limit},
    // UndefinedBehaviorSanitizer asks for a descriptor at each virtual call, Valgrind keeps some
    // for itself; shadow memory is addresses, and memory.
    {"EMFILE", no_descriptors, kAnyWatcher},
    {"RLIMIT_AS", no_addresses, kAnyWatcher},
    {"read-only and no-exec mounts", mount_flags},
    {"mlockall() and core dumps", locked_memory_and_dumps},
    {"near the limit of a memory cgroup", near_the_memory_limit, kAnyWatcher},
};

}  // namespace

void space_runs_out(Run& run) {
  do {
    for (const Part& part : kParts) {
      if (!run.possible(part.what, part.not_watched_by)) continue;
      Scenery scenery{run, shared<Tally>(), run.fresh_path()};
      std::filesystem::create_directory(scenery.mount_point);
      const auto status = run_child([&] { part.go(scenery); }, seconds(60));
      if (status && WIFEXITED(*status) && WEXITSTATUS(*status) == Mount::kImpossible) {
        return run.skip("nothing can be mounted here");
      }
      run.check(well(status), std::string(part.what) + ": " + to_text(status));
      run.count(part.what);
      std::filesystem::remove(scenery.mount_point);
      if (run.hopeless()) return;
    }
  } while (run.more());
}

}  // namespace metrics::torture
