// What a thread's first update does while another thread holds the process's mutex, and what fork
// handlers may do while fork() itself holds it.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libmetrics/format/types.h"
#include "libmetrics/reader/dropped.h"
#include "libmetrics/update/locked.h"
#include "libmetrics/update/process.h"
#include "tests/support/gate.h"
#include "tests/support/living.h"
#include "tests/support/options.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace {

std::atomic<unsigned> waits{0};
// Called once, when a segment's file is about to get its name.
std::function<void()> before_link;

// Run by each fork(), before the library's own handlers or after them: the other way round than
// they were registered, as fork() has it for the first kind.
std::function<void()> in_prepare, in_parent, in_child;

void run(const std::function<void()>& handler) {
  if (handler) handler();
}

// Earlier than the library's, which are registered when its code is initialised.
[[gnu::constructor(101)]] void register_handlers() {
  ::pthread_atfork([] { run(in_prepare); }, [] { run(in_parent); }, [] { run(in_child); });
}

}  // namespace

extern "C" int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock,
                                       const timespec* until) {
  static const auto real = reinterpret_cast<decltype(&::pthread_mutex_clocklock)>(
      ::dlsym(RTLD_NEXT, "pthread_mutex_clocklock"));
  ++waits;
  return real(mutex, clock, until);
}

extern "C" int linkat(int from, const char* old_path, int to, const char* path, int flags) {
  static const auto real = reinterpret_cast<decltype(&::linkat)>(::dlsym(RTLD_NEXT, "linkat"));
  if (const auto now = std::exchange(before_link, nullptr)) now();
  return real(from, old_path, to, path, flags);
}

namespace metrics::test {
namespace {

// Holds the process's mutex, as a thread does that registers, until the end of the scope.
class Busy {
 public:
  Busy() {
    thread_ = std::thread([this] {
      const update::Locked lock(update::process().mutex);
      held_.let_pass();
      end_.pass();
    });
    held_.pass();
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  ~Busy() {
    end_.let_pass();
    thread_.join();
  }

 private:
  Gate held_, end_;
  std::thread thread_;
};

TEST(Contention, AThreadWaitsOnceForTheMutexAndCountsInTheSharedSlotMeanwhile) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "waits with another function";
#endif
  TempSegment t;
  const Counter tasks = t.counter("tasks");
  waits = 0;
  {
    const Busy busy;
    for (int i = 0; i < 100; ++i) tasks.inc();
  }
  EXPECT_EQ(waits, 1u);
  EXPECT_EQ(t.scrape().in_slot(0, "tasks"), 100u);
  tasks.inc();
  EXPECT_EQ(t.scrape().in_slot(1, "tasks"), 1u);
}

TEST(Contention, JoiningASegmentHoldsUpNeitherFirstUpdatesNorForks) {
  TempSegment t;
  const TempPath other;
  const Counter tasks = t.counter("tasks");
  bool created = false;
  before_link = [&] {
    created = true;
    std::thread([&] { tasks.inc(); }).join();
    EXPECT_EQ(ended(forked([&] { tasks.inc(); })), 0);
  };
  waits = 0;
  const Segment joined(other.path(), kSmall);
  EXPECT_TRUE(created);
  EXPECT_EQ(joined.status(), METRICS_OK);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 2u);
  EXPECT_EQ(scrape.in_slot(0, "tasks"), 0u) << "each got a slot of its own";
}

TEST(Contention, ThreadsThatJoinOneSegmentAtOnceShareIt) {
  const TempPath path;
  metrics_segment* first = nullptr;
  before_link = [&] {  // another thread joins it while this one creates it
    std::thread([&] {
      const Segment segment(path.path(), kSmall);
      first = segment.get();
      Family<Counter>("tasks", "", {}, {.segment = segment}).labels().inc();
    }).join();
  };
  const Segment segment(path.path(), kSmall);
  EXPECT_EQ(segment.get(), first);
  Family<Counter>("tasks", "", {}, {.segment = segment}).labels().inc();
  EXPECT_EQ(path.scraped("tasks"), 2u);
}

// Returns the value of a gauge that one process has set.
std::optional<double> shown(const Scrape& scrape, const std::string& name) {
  if (const auto combined = scrape.gauge(name)) return combined;
  const auto by_pid = scrape.by_pid(name);
  return by_pid.size() == 1 ? std::optional(by_pid.begin()->second) : std::nullopt;
}

// Sets and adds while no thread of the process can claim a slot.
class PendingGauges : public testing::TestWithParam<Mode> {};

TEST_P(PendingGauges, GetTheirValuesWhenTheSlotIsClaimed) {
  TempSegment t;
  const Gauge set = t.gauge("set", GetParam());
  const Gauge added = t.gauge("added", GetParam());
  const Counter tasks = t.counter("tasks");
  {
    const Busy busy;
    std::thread([&] { set.set(7); }).join();
    set.set(3);
    added.inc(2);
    added.dec(5);
    EXPECT_EQ(set.value(), 3);
    EXPECT_EQ(added.value(), -3);
  }
  tasks.inc();  // claims the slot
  EXPECT_EQ(set.value(), 3);
  EXPECT_EQ(added.value(), -3);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(shown(scrape, "set"), 3);
  EXPECT_EQ(shown(scrape, "added"), -3);
  EXPECT_EQ(scrape.dropped(format::Drop::kGaugeWithoutSlot), 0u);
  added.inc();
  set.set(4);
  EXPECT_EQ(shown(t.scrape(), "set"), 4);
  EXPECT_EQ(shown(t.scrape(), "added"), -2);
}

INSTANTIATE_TEST_SUITE_P(Contention, PendingGauges,
                         testing::Values(Mode::kAll, Mode::kLiveAll, Mode::kSum, Mode::kLiveSum,
                                         Mode::kMin, Mode::kMax, Mode::kMostRecent,
                                         Mode::kLiveMostRecent),
                         [](const auto& mode) {
                           return std::string(
                               format::to_string(static_cast<format::Mode>(mode.param)));
                         });

TEST(Contention, AGaugeSetOnceIsShownThoughNoThreadEverUpdatesAgain) {
  TempSegment t;
  const Gauge load = t.gauge("load", Mode::kLiveSum);
  {
    const Busy busy;
    load.set(7);
  }
  EXPECT_EQ(t.scrape().gauge("load"), 7) << "the thread that was in the way has placed it";
}

TEST(Contention, APendingGaugeIsItsProcesssAndNoChilds) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer doesn't see that the kernel has wiped the mutex of a raw clone";
#endif
  TempSegment t;
  const Gauge load = t.gauge("load", Mode::kLiveSum);
  const Counter tasks = t.counter("tasks");
  {
    const Busy busy;
    load.set(7);
    EXPECT_EQ(ended(raw_cloned([&] { tasks.inc(); })), 0);
    EXPECT_EQ(t.scrape().gauge("load"), 0) << "the child has set nothing";
  }
  EXPECT_EQ(t.scrape().gauge("load"), 7);
}

TEST(Contention, PendingGaugesOfAProcessThatGetsNoSlotAreCountedAsDropped) {
  TempSegment t({1, 8, 4096, 64 * 1024});
  const Gauge load = t.gauge("load", Mode::kLiveSum);
  const Gauge queue = t.gauge("queue", Mode::kMax);
  const Counter tasks = t.counter("tasks");
  const Living first([&] { tasks.inc(); });
  {
    const Busy busy;
    load.set(7);
    load.set(8);
    queue.set(1);
  }
  load.set(9);
  EXPECT_EQ(t.scrape().dropped(format::Drop::kGaugeWithoutSlot), 3u)
      << "the kept ones, and the last";
  reader::Reader reader(t.file());
  ASSERT_TRUE(reader.look()) << reader.why();
  EXPECT_EQ(reader::refused_families(reader, format::Drop::kGaugeWithoutSlot),
            (std::vector<std::string_view>{"load", "queue"}));
}

TEST(Contention, MoreGaugesThanCanBeKeptAreCountedAsDropped) {
  TempSegment t;
  const Family<Gauge> load("load", "", {"n"}, {.mode = Mode::kLiveSum, .segment = t.segment()});
  const std::size_t kept = update::PendingPool{}.gauges.size();
  std::vector<Gauge> gauges;
  for (std::size_t i = 0; i < kept + 3; ++i) gauges.push_back(load.labels(i));
  {
    const Busy busy;
    for (const Gauge& gauge : gauges) gauge.set(1);
    for (const Gauge& gauge : gauges) gauge.inc(1);
  }
  t.counter("tasks").inc();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.dropped(format::Drop::kGaugeWithoutSlot), 2 * 3u);
  EXPECT_EQ(gauges.at(kept - 1).value(), 2);
  EXPECT_TRUE(std::isnan(gauges.at(kept).value()));
}

// Several threads set one gauge while another one claims the slot: none of their last values may be
// overtaken by an older one that was pending.
TEST(Contention, AValueSetAfterTheClaimIsNotOvertakenByAPendingOne) {
  TempSegment t;
  const Gauge load = t.gauge("load", Mode::kLiveSum);
  for (int round = 0; round < 100; ++round) {
    started([&] {
      std::atomic<bool> begin{false};
      std::vector<std::thread> threads;
      {
        const Busy busy;
        load.set(1);
        for (int i = 0; i < 4; ++i) {
          threads.emplace_back([&] {
            while (!begin) std::this_thread::yield();
            for (int n = 0; n < 50; ++n) load.inc();
          });
        }
        begin = true;
      }
      for (auto& thread : threads) thread.join();
      ASSERT_EQ(load.value(), 201) << "in round " << round;
    });
  }
}

TEST(ForkHandlers, OlderThanTheLibraryMayRegisterAndUpdate) {
  TempSegment t;
  const Family<Counter> calls("calls", "", {"where"}, {.segment = t.segment()});
  const Family<Gauge> load("load", "", {"where"}, {.mode = Mode::kLiveSum, .segment = t.segment()});
  const auto count = [&](const char* where) {
    calls.labels(where).inc();
    load.labels(where).set(1);
  };
  in_prepare = [&] { count("prepare"); };
  in_parent = [&] { count("parent"); };
  in_child = [&] { count("child"); };
  const pid_t child = forked([&] { count("later"); });
  in_prepare = in_parent = in_child = nullptr;
  EXPECT_EQ(ended(child), 0);
  count("later");
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.first_slots(), 2u);
  for (const char* where : {"prepare", "parent", "child"}) {
    EXPECT_EQ(calls.labels(where).value(), 1) << where;
  }
  EXPECT_EQ(calls.labels("later").value(), 2);
  // The mutex is free again, in the parent and, as the child's end shows, in the child.
  std::thread([&] { count("thread"); }).join();
  EXPECT_EQ(calls.labels("thread").value(), 1);
}

}  // namespace
}  // namespace metrics::test
