#include "tests/torture/limits.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <thread>
#include <vector>

#include "tests/support/gate.h"
#include "tests/torture/memory_group.h"

namespace metrics::torture {
namespace {

void limit(int resource, rlim_t value) {
  const rlimit wanted{value, value};
  must(::setrlimit(static_cast<__rlimit_resource>(resource), &wanted) == 0, "setrlimit");
}

// Keeps the calling thread, and those that it starts, on the CPU that it is on.
void stay_on_this_cpu() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(::sched_getcpu()), &one);
  must(::sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
}

}  // namespace

void file_size_limit(Scenery& s) {
  const Mount m(s.mount_point, "size=8m");
  must_end_well(start([&] {
                  limit(RLIMIT_FSIZE, 4096);
                  Program p(m.path("other"), s.tally);
                  must(p.segment.status() == METRICS_NO_SPACE, "status is not NO_SPACE");
                  p.counter.inc();
                }),
                "a creator with a limit");
  Program p(m.path(), s.tally, kRoomy);
  must_end_well(start([&] {
                  limit(RLIMIT_FSIZE, 4096);
                  p.update(10);
                  observe_all(wide(p, "x"));
                  must(p.segment.status() != METRICS_OK, "nothing is reported");
                }),
                "a claimer with a limit");
  p.update();
  limit(RLIMIT_FSIZE, 4096);
  observe_all(wide(p, "y"));
  p.update(10);
  must_be_same(m, s.tally, "with a limit");
}

void no_descriptors(Scenery& s) {
  const Mount m(s.mount_point, "size=8m");
  const auto none_left = [] {
    limit(RLIMIT_NOFILE, 64);
    while (::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {
    }
  };
  must_end_well(start([&] {
                  none_left();
                  Program p(m.path("other"), s.tally);
                  must(p.segment.status() == METRICS_NO_SPACE, "status is not NO_SPACE");
                  p.counter.inc();
                }),
                "a creator without descriptors");
  Program p(m.path(), s.tally, kRoomy);
  must_end_well(start([&] {
                  none_left();
                  p.update(10);
                  must(p.segment.status() != METRICS_OK, "nothing is reported");
                }),
                "a claimer without descriptors");
  must_end_well(start([&] {
                  p.update();
                  none_left();
                  observe_all(wide(p, "x"));
                  p.update(10);
                  std::thread([&] { p.update(10); }).join();
                }),
                "a registrant without descriptors");
  must_be_same(m, s.tally, "without descriptors");
}

void no_addresses(Scenery& s) {
  const Mount m(s.mount_point, "size=8m");
  Program p(m.path(), s.tally, kRoomy);
  const auto none_left = [] {
    long pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    limit(RLIMIT_AS, static_cast<rlim_t>(pages) * 4096 + 8192);
  };
  must_end_well(start([&] {
                  none_left();
                  p.update(10);
                }),
                "a claimer without addresses");
  must_end_well(start([&] {
                  none_left();
                  metrics_segment* other = nullptr;
                  must(metrics_open((m.path("other")).c_str(), nullptr, &other) == METRICS_NO_SPACE,
                       "status is not NO_SPACE");
                }),
                "a creator without addresses");
  must_be_same(m, s.tally, "without addresses");
}

// Set-up calls take all the memory that updates need, so no update ever meets the limit.
void near_the_memory_limit(Scenery& s) {
  constexpr std::uint64_t kLimit = 32 << 20, kLeft = 256 << 10;
  const MemoryGroup group(kLimit);
  if (!group.is_there()) return s.run.skip("no memory cgroups here");
  const Mount m(s.mount_point, "size=16m");
  Program p(m.path(), s.tally, kRoomy);
  constexpr unsigned kSeries = 40;  // whose cells are more than what is left
  const pid_t worker = start([&] {
    // Each CPU charges up to 64 pages ahead, which is as much as is left here, and the kernel kills
    // before a busy CPU has given them back.
    stay_on_this_cpu();
    must(group.join(), "the cgroup can't be joined");
    std::vector<Histogram> all;
    for (unsigned i = 0; i < kSeries; ++i) all.push_back(wide(p, std::to_string(i)));
    p.update();
    test::Gate go, did;
    std::jthread other([&] {
      p.update();
      did.let_pass();
      go.try_pass();
      for (const Histogram& h : all) observe_all(h);
      p.update(1000);
    });
    did.pass();
    while (group.used_bytes() < kLimit - kLeft) {
      constexpr std::size_t kPiece = 64 << 10;
      must(::mmap(nullptr, kPiece, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) != MAP_FAILED,
           "mmap");
    }
    for (const Histogram& h : all) observe_all(h);
    p.update(1000);
    go.let_pass();
    other.join();
  });
  must_end_well(worker, "a worker near its memory limit");
  const Look look(m.path() + ".v2");
  for (unsigned i = 0; i < kSeries; ++i) {
    must(look.count("wide", {std::to_string(i)}) == 2 * kAllObserved,
         "counts near the limit are lost");
  }
  must_be_same(m, s.tally, "near the memory limit");
}

}  // namespace metrics::torture
