// A process's further threads count in lanes, which they give back.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <thread>
#include <vector>

#include "libmetrics/update/claims.h"
#include "tests/support/gate.h"
#include "tests/support/shared_memory.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

// Runs the body in that many threads, each of which has counted once before any goes on. They count
// one after the other, so that none waits for another one's claim, and all own a slot.
template <class Body>
void together(unsigned count, Counter counter, Body body) {
  std::atomic<unsigned> there{0};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i) {
    threads.emplace_back([&, counter]() mutable {
      counter.inc();
      ++there;
      while (there < count) std::this_thread::yield();
      body();
    });
    while (there <= i) std::this_thread::yield();
  }
  for (auto& thread : threads) thread.join();
}

TEST(Threads, EachCountsInASlotOfItsOwn) {
  constexpr unsigned kThreads = 8;
  constexpr unsigned kCounts = 100'000;
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Histogram times = t.histogram("times", {1, 2});
  together(kThreads, tasks, [tasks, times]() mutable {
    for (unsigned i = 0; i < kCounts; ++i) {
      tasks.inc();
      times.observe(1.5);
    }
  });
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), kThreads * (kCounts + 1u));
  EXPECT_EQ(scrape.buckets("times"),
            (std::vector<std::uint64_t>{0, std::uint64_t{kThreads} * kCounts, 0}));
  EXPECT_EQ(scrape.sum("times"), 1.5 * kThreads * kCounts);
  EXPECT_EQ(scrape.first_slots(), 1u);
  EXPECT_EQ(scrape.lanes(), kThreads - 1);
  EXPECT_EQ(scrape.in_slot(0, "tasks"), 0u);
}

TEST(Threads, AThreadThatEndsGivesItsLaneBack) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  tasks.inc();  // the first slot is this thread's
  for (unsigned i = 0; i < 100; ++i) std::thread([tasks]() mutable { tasks.inc(); }).join();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 101u);
  EXPECT_EQ(scrape.lanes(), 1u);
  EXPECT_EQ(scrape.heads().back().owner, format::Owner());
  EXPECT_EQ(scrape.heads().back().generation, 100u);
}

TEST(Threads, TheFirstSlotPassesToTheNextThread) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  for (unsigned i = 0; i < 100; ++i) std::thread([tasks]() mutable { tasks.inc(); }).join();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.in_slot(1, "tasks"), 100u);
  EXPECT_EQ(scrape.heads().at(1).generation, 1u);
  EXPECT_EQ(scrape.lanes(), 0u);
}

// Threads come and go while others write: what they hand over must have one writer at a time.
TEST(Threads, NothingIsLostWhenLanesChangeHands) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  std::vector<std::thread> spawners;
  for (unsigned s = 0; s < 4; ++s) {
    spawners.emplace_back([tasks] {
      for (unsigned i = 0; i < 200; ++i) {
        std::thread([tasks]() mutable {
          for (unsigned n = 0; n < 500; ++n) tasks.inc();
        }).join();
      }
    });
  }
  for (auto& spawner : spawners) spawner.join();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 4u * 200 * 500);
  EXPECT_LE(scrape.lanes(), 3u);
}

// Within a process a mutex orders claims; between processes one compare-and-swap does.
TEST(Threads, LanesThatManyProcessesClaimAtOnceHaveOneWriterEach) {
  constexpr unsigned kProcesses = 6;
  constexpr unsigned kRounds = 100;
  constexpr unsigned kCounts = 2000;
  TempSegment t;
  Counter tasks = t.counter("tasks");
  auto& ready = shared<std::atomic<unsigned>>();
  std::vector<pid_t> workers;
  for (unsigned i = 0; i < kProcesses; ++i) {
    workers.push_back(forked([&] {
      tasks.inc();  // from here on, this thread has the first slot
      ++ready;
      while (ready < kProcesses) std::this_thread::yield();
      for (unsigned round = 0; round < kRounds; ++round) {
        std::thread([tasks]() mutable {
          for (unsigned n = 0; n < kCounts; ++n) tasks.inc();
        }).join();
      }
    }));
  }
  for (const pid_t worker : workers) EXPECT_EQ(ended(worker), 0);
  EXPECT_EQ(t.scraped("tasks"), kProcesses * (1u + kRounds * kCounts));
  EXPECT_LE(t.scrape().lanes(), kProcesses);
}

TEST(Threads, UpdatesAfterALaneWasGivenBackGoToTheSharedSlot) {
  TempSegment t;
  static Counter tasks;
  tasks = t.counter("tasks");
  tasks.inc();
  static unsigned turns;
  turns = 0;
  static pthread_key_t
      later;  // made after the library's own: glibc runs destructors in the order of keys
  ASSERT_EQ(::pthread_key_create(&later, [](void*) { tasks.inc(10); }), 0);
  std::thread([] {
    tasks.inc();
    ::pthread_setspecific(later, &turns);
  }).join();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 12u);
  EXPECT_EQ(scrape.in_slot(0, "tasks"), 10u);
  EXPECT_EQ(scrape.heads().back().owner, format::Owner());
  ::pthread_key_delete(later);
}

// Its threads own their slots until they are told to end.
pid_t threaded_worker(Counter tasks, unsigned threads, Gate& counted, Gate& end) {
  return forked([&, tasks] {
    std::atomic<bool> first{true};
    std::atomic<bool> over{false};
    together(threads, tasks, [&] {
      if (first.exchange(false)) {
        counted.let_pass();
        end.pass();
        over = true;
      }
      while (!over) std::this_thread::yield();
    });
  });
}

TEST(Threads, LanesOfAKilledProcessAreAdopted) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gate counted;
  Gate end;
  for (unsigned i = 0; i < 10; ++i) {
    const pid_t worker = threaded_worker(tasks, 5, counted, end);
    counted.pass();
    killed(worker);
    ASSERT_TRUE(becomes_free(t.file(), 1));
  }
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 50u);
  EXPECT_EQ(scrape.lanes(), 4u);
  EXPECT_EQ(scrape.heads().back().generation, 10u);
}

TEST(Threads, LanesOfALivingProcessAreNotAdopted) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gate counted;
  Gate end;
  const pid_t one = threaded_worker(tasks, 4, counted, end);
  counted.pass();
  const pid_t other = threaded_worker(tasks, 4, counted, end);
  counted.pass();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.lanes(), 6u);
  unsigned of_one = 0;
  unsigned of_other = 0;
  for (const auto& head : scrape.heads()) {
    of_one += head.owner == format::Owner{1, 1};
    of_other += head.owner == format::Owner{2, 1};
  }
  EXPECT_EQ(of_one, 3u);
  EXPECT_EQ(of_other, 3u);
  end.let_pass(2);
  EXPECT_EQ(ended(one), 0);
  EXPECT_EQ(ended(other), 0);
  EXPECT_EQ(t.scraped("tasks"), 8u);
}

// Its successor in the first slot is another generation: the lanes that it has left are free,
// though the slot is owned.
TEST(Threads, LanesAreFreeOnceTheirOwnersFirstSlotHasANewOne) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gate counted;
  Gate end;
  const pid_t dead = threaded_worker(tasks, 3, counted, end);
  counted.pass();
  killed(dead);
  ASSERT_TRUE(becomes_free(t.file(), 1));
  tasks.inc();
  EXPECT_EQ(owner_of(t.file(), 1).generation, 2u);
  std::thread([tasks]() mutable { tasks.inc(); }).join();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.lanes(), 2u);
  EXPECT_EQ(scrape.heads().at(scrape.heads().size() - 2).generation, 2u);
}

}  // namespace
}  // namespace metrics::test
