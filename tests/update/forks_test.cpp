// Prefork needs no hook: what was made before any kind of fork counts after it, in both processes,
// each in a slot of its own.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/gate.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

TEST(Forks, ParentAndChildCountInSlotsOfTheirOwn) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  tasks.inc(5);
  const pid_t child = forked([&] { tasks.inc(7); });
  EXPECT_EQ(ended(child), 0);
  tasks.inc(2);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 14u);
  EXPECT_EQ(scrape.in_slot(1, "tasks"), 7u);
  EXPECT_EQ(scrape.in_slot(2, "tasks"), 7u);
  EXPECT_EQ(scrape.first_slots(), 2u);
}

TEST(Forks, AChildThatCountsNothingTakesNoSlot) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  tasks.inc();
  EXPECT_EQ(ended(forked([] {})), 0);
  EXPECT_EQ(t.scrape().first_slots(), 1u);
}

void count_and_fork(Counter tasks, unsigned depth) {
  tasks.inc(depth);
  if (depth == 0) return;
  const pid_t child = forked([&] { count_and_fork(tasks, depth - 1); });
  tasks.inc(100);
  EXPECT_EQ(ended(child), 0);
}

TEST(Forks, ChildrenOfChildrenCount) {
  TempSegment t;
  count_and_fork(t.counter("tasks"), 6);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 6u + 5 + 4 + 3 + 2 + 1 + 0 + 6 * 100);
  EXPECT_EQ(scrape.first_slots(), 7u);
}

TEST(Forks, ARawCloneCounts) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  tasks.inc(5);
  const pid_t child = raw_cloned([&] {
    tasks.inc(7);
    EXPECT_EQ(ended(raw_cloned([&] { tasks.inc(11); })), 0);
    tasks.inc();
  });
  EXPECT_EQ(ended(child), 0);
  tasks.inc(2);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 26u);
  EXPECT_EQ(scrape.first_slots(), 3u);
}

// In a function of its own: a child of vfork() may not return from where it was made.
[[gnu::noinline]] pid_t vforked(Counter& tasks) {
  const pid_t child = ::vfork();
  if (child == 0) {
    tasks.inc(7);
    ::_exit(0);
  }
  return child;
}

TEST(Forks, AVforkedChildCountsInItsParentsSlot) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer makes a fork of it";
#endif
  TempSegment t;
  Counter tasks = t.counter("tasks");
  EXPECT_EQ(ended(vforked(tasks)), 0);
  tasks.inc(5);
  EXPECT_EQ(ended(vforked(tasks)), 0);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 19u);
  EXPECT_EQ(scrape.first_slots(), 1u);
  EXPECT_EQ(owner_of(t.file(), 1).generation, 1u);
  EXPECT_EQ(scrape.heads().at(1).pid, static_cast<std::uint64_t>(::getpid()))
      << "the child has claimed it, for its parent";
}

// What the test below spawns; by itself it has nothing to do.
TEST(Spawned, AProgramCountsInTheSegmentOfItsEnvironment) {
  if (std::getenv("METRICS_SEGMENT") == nullptr) GTEST_SKIP() << "for Forks.ASpawnedProgramCounts";
  Family<Counter>("tasks", "").labels().inc(7);
  EXPECT_EQ(Segment().status(), METRICS_OK);
}

TEST(Forks, ASpawnedProgramCounts) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  tasks.inc(5);
  std::array<std::string, 2> text = {"spawned", "--gtest_filter=Spawned.*"};
  std::array<char*, 3> arguments = {text[0].data(), text[1].data(), nullptr};
  std::string variable = "METRICS_SEGMENT=" + t.path();
  std::array<char*, 2> environment = {variable.data(), nullptr};
  pid_t child = 0;
  ASSERT_EQ(::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments.data(),
                          environment.data()),
            0);
  EXPECT_EQ(ended(child), 0);
  tasks.inc(2);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 14u);
  EXPECT_EQ(scrape.first_slots(), 2u);
}

TEST(Forks, ADaemonCounts) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  tasks.inc(5);
  Gate counted;
  const pid_t starter = forked([&] {
    tasks.inc(7);
    if (::daemon(1, 1) != 0) ADD_FAILURE() << "daemon() failed";
    tasks.inc(11);
    counted.let_pass();
  });
  EXPECT_EQ(ended(starter), 0);
  counted.pass();
  EXPECT_EQ(t.scraped("tasks"), 23u);
}

Counter* counted_by_handler = nullptr;
// Before the library registers its own.
__attribute__((constructor(101))) void register_handler() {
  ::pthread_atfork(nullptr, nullptr, [] {
    if (counted_by_handler != nullptr) counted_by_handler->inc();
  });
}

TEST(Forks, AHandlerOfForkThatCountsBeforeTheLibrarysKeepsItsSlot) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  tasks.inc();
  std::thread([&] {
    tasks.inc();
    counted_by_handler = &tasks;
    const pid_t child = forked([&] {
      tasks.inc(10);
      std::thread([&] { tasks.inc(100); }).join();
      tasks.inc(1000);
    });
    counted_by_handler = nullptr;
    EXPECT_EQ(ended(child), 0);
  }).join();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 1u + 1 + 1 + 10 + 100 + 1000);
  EXPECT_EQ(scrape.in_slot(2, "tasks"), 1011u);
  EXPECT_EQ(scrape.lanes(), 2u);
}

struct CountsAtItsEnd {
  Counter tasks;
  ~CountsAtItsEnd() { tasks.inc(1000); }
};

TEST(Forks, AChildThatCallsExitRunsInheritedDestructorsInASlotOfItsOwn) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  const pid_t parent = forked([&] {
    thread_local CountsAtItsEnd at_end{tasks};
    at_end.tasks.inc(5);
    for (int i = 0; i < 3; ++i) {
      const pid_t child = ::fork();
      if (child == 0) std::exit(0);
      tasks.inc();
      EXPECT_EQ(ended(child), 0);
    }
    EXPECT_EQ(owner_of(t.file(), 1).generation, 1u);
  });
  EXPECT_EQ(ended(parent), 0);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.in_slot(1, "tasks"), 8u);
  EXPECT_EQ(scrape.in_slot(2, "tasks"), 3000u);
  EXPECT_EQ(scrape.first_slots(), 2u);
}

// The worst case of an inherited thread: its parent is dead, its child has adopted the very slot
// that the thread remembers, and now the thread ends. It must not give away what another thread of
// the child writes to.
TEST(Forks, AThreadInheritedOverAForkGivesNothingBack) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gate orphaned;
  Gate done;
  static std::atomic<bool> inherited_gone{false};
  pthread_key_t key;
  ASSERT_EQ(::pthread_key_create(&key, [](void*) { inherited_gone = true; }), 0);
  const auto in_child = [&] {
    orphaned.pass();
    ::pthread_setspecific(key, &inherited_gone);
    std::thread([&, tasks]() mutable {
      tasks.inc();  // claims, and adopts slot 1
      while (!inherited_gone) std::this_thread::yield();
      std::thread([tasks]() mutable { tasks.inc(); }).join();
      tasks.inc();
      done.let_pass();
      leave();
    }).detach();
    while (t.scraped("tasks") < 2) std::this_thread::yield();
  };
  const pid_t parent = forked([&] {
    std::thread([&] {
      tasks.inc();
      if (::fork() != 0) leave();
      in_child();
    }).join();
  });
  EXPECT_EQ(ended(parent), 0);
  orphaned.let_pass();
  done.pass();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), 4u);
  EXPECT_EQ(scrape.in_slot(1, "tasks"), 3u);
  EXPECT_EQ(scrape.lanes(), 1u);
}

class WritingThreads {
 public:
  WritingThreads(Counter counter, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      threads_.emplace_back([this, counter]() mutable {
        std::uint64_t n = 0;
        do {
          counter.inc();
          ++n;
        } while (!stop_.load(std::memory_order_relaxed));
        counted_ += n;
      });
    }
  }
  std::uint64_t join() {
    stop_ = true;
    for (auto& thread : threads_) thread.join();
    return counted_;
  }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> counted_{0};
  std::vector<std::thread> threads_;
};

void fork_while_threads_write(pid_t (*start)(const std::function<void()>&)) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Histogram times = t.histogram("times", {1, 2});
  WritingThreads threads(tasks, 3);
  std::uint64_t expected = 0;
  constexpr unsigned kCounts = 20'000;
  for (unsigned i = 0; i < 50; ++i) {
    const pid_t child = start([&] {
      for (unsigned n = 0; n < kCounts; ++n) tasks.inc();
      times.observe(1);
    });
    // The thread that has forked goes on at the same time as its copy in the child.
    for (unsigned n = 0; n < kCounts; ++n) tasks.inc();
    times.observe(2);
    ASSERT_EQ(ended(child), 0);
    expected += 2 * kCounts;
  }
  expected += threads.join();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), expected);
  EXPECT_EQ(scrape.buckets("times"), (std::vector<std::uint64_t>{50, 50, 0}));
}

TEST(Forks, AThreadedParentForksWhileItsThreadsWrite) { fork_while_threads_write(&forked); }
TEST(Forks, AThreadedParentClonesWhileItsThreadsWrite) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer's own locks are inherited as they are at that instant";
#endif
  fork_while_threads_write(&raw_cloned);
}

// Under ThreadSanitizer it hangs now and then: that keeps a lock of its own for each mutex, which
// the registrant may hold for an instant when the child is forked.
TEST(Forks, AParentForksWhileAThreadRegisters) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer's own locks are inherited as they are at that instant";
#endif
  TempSegment t({64, 64, 128 * 1024, 8 << 20});
  Family<Counter> tasks("tasks", "", {"name"}, t.options());
  std::atomic<bool> stop{false};
  unsigned registered = 0;
  std::thread registrant([&] {
    // A counter takes two cells, so that many fit however slow the forks are.
    for (; !stop && registered < 30'000; ++registered) {
      tasks.labels("parent" + std::to_string(registered)).inc();
    }
  });
  for (unsigned i = 0; i < 100; ++i) {
    const pid_t child = forked([&] { tasks.labels("child" + std::to_string(i)).inc(2); });
    ASSERT_EQ(ended(child), 0);
  }
  stop = true;
  registrant.join();
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.series_count("tasks"), 100u + registered);
  for (unsigned i = 0; i < 100; ++i) {
    EXPECT_EQ(scrape.count("tasks", {"child" + std::to_string(i)}), 2u);
  }
}

}  // namespace
}  // namespace metrics::test
