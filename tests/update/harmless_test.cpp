// Metrics never harm the worker: not its errno, not a thread that is being cancelled, not a logger
// that counts, not what a signal handler interrupts.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <thread>

#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

constexpr int kUnlikely = 4711;

TEST(Harmless, AFirstUpdateKeepsErrno) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  errno = kUnlikely;
  tasks.inc();
  EXPECT_EQ(errno, kUnlikely);
}

TEST(Harmless, AFirstUpdateThatCantClaimKeepsErrno) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gauge load = t.gauge("load", Mode::kLiveSum);
  ASSERT_EQ(::unlink(t.file().c_str()), 0);
  errno = kUnlikely;
  tasks.inc();
  load.set(1);
  EXPECT_EQ(errno, kUnlikely);
  EXPECT_EQ(t.segment().status(), METRICS_GONE);
}

// A first update opens files, which are points at which a cancelled thread ends: nothing could be
// unwound there.
TEST(Harmless, AThreadThatIsBeingCancelledCountsAndEnds) {
  TempSegment t;
  const pid_t worker = forked([&] {
    Counter tasks = t.counter("tasks");
    pthread_t thread;
    const auto body = [](void* counter) -> void* {
      ::pthread_cancel(::pthread_self());
      static_cast<Counter*>(counter)->inc(3);
      ::pthread_testcancel();
      return nullptr;
    };
    ASSERT_EQ(::pthread_create(&thread, nullptr, body, &tasks), 0);
    void* result = nullptr;
    ASSERT_EQ(::pthread_join(thread, &result), 0);
    EXPECT_EQ(result, PTHREAD_CANCELED);
  });
  EXPECT_EQ(ended(worker), 0);
  EXPECT_EQ(t.scraped("tasks"), 3u);
}

TEST(Harmless, AThreadThatIsBeingCancelledRegisters) {
  TempSegment t;
  const pid_t worker = forked([&] {
    pthread_t thread;
    const auto body = [](void* segment) -> void* {
      ::pthread_cancel(::pthread_self());
      static_cast<TempSegment*>(segment)->counter("tasks").inc(3);
      metrics_segment* elsewhere = nullptr;
      metrics_open((static_cast<TempSegment*>(segment)->path() + "2").c_str(), nullptr, &elsewhere);
      ::pthread_testcancel();
      return nullptr;
    };
    ASSERT_EQ(::pthread_create(&thread, nullptr, body, &t), 0);
    void* result = nullptr;
    ASSERT_EQ(::pthread_join(thread, &result), 0);
    EXPECT_EQ(result, PTHREAD_CANCELED);
  });
  EXPECT_EQ(ended(worker), 0);
  EXPECT_EQ(t.scraped("tasks"), 3u);
}

// A logger that counts its lines in the default segment is called while that very segment is being
// opened.
TEST(Harmless, ALoggerMayCountInTheDefaultSegment) {
  TempPath t;
  ASSERT_EQ(::setenv("METRICS_SEGMENT", t.directory().c_str(), 1), 0);
  ASSERT_EQ(::setenv("METRICS_CELLS", "many", 1), 0);
  const pid_t worker = forked([] {
    static unsigned lines = 0;
    metrics_set_log(
        [](metrics_status, const char*, void*) {
          ++lines;
          Family<Counter>("lines", "").labels().inc();
        },
        nullptr);
    Family<Counter>("tasks", "").labels().inc();
    EXPECT_EQ(lines, 1u);
    EXPECT_EQ(Segment().status(), METRICS_INVALID);
  });
  EXPECT_EQ(ended(worker), 0);
}

// A mistake in the environment is the operator's, not the program's: nothing throws, nothing is
// counted.
TEST(Harmless, AWrongEnvironmentCostsTheCountsAlone) {
  TempPath t;
  ASSERT_EQ(::setenv("METRICS_SEGMENT", t.path().c_str(), 1), 0);
  ASSERT_EQ(::setenv("METRICS_CELLS", "many", 1), 0);
  const pid_t worker = forked([] {
    Family<Counter> tasks("tasks", "", {"name"});
    tasks.labels("x").inc();
    Family<Gauge>("load", "").labels().set(1);
    Family<Histogram>("times", "").labels().observe(1);
    tasks.remove({"x"});
    metrics::info("build", "", {{"version", "1"}});
    EXPECT_THROW(tasks.labels("x", "y"),
                 std::invalid_argument);  // the program's mistake still is one
    EXPECT_EQ(Segment().status(), METRICS_INVALID);
    EXPECT_EQ(Segment().why(), "$METRICS_CELLS is \"many\"; write a whole number, e.g. 1048576");
  });
  EXPECT_EQ(ended(worker), 0);
}

Counter interrupted_counter;
Histogram interrupted_histogram;
std::uint64_t handled = 0;

// Integers only: of a sum one of two updates may be lost, and the documentation says so.
TEST(Harmless, AHandlersUpdatesInterruptOthersAndNoneIsLost) {
#if !defined(__x86_64__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a count is not one instruction here, so a handler may split it";
#endif
  TempSegment t;
  interrupted_counter = t.counter("tasks");
  interrupted_histogram = t.histogram("times", {1, 2});
  handled = 0;
  const auto old = ::signal(SIGALRM, [](int) {
    interrupted_counter.inc();
    interrupted_histogram.observe(1);
    handled = handled + 1;
  });
  itimerval every{{0, 50}, {0, 50}};  // microseconds
  ASSERT_EQ(::setitimer(ITIMER_REAL, &every, nullptr), 0);
  std::uint64_t mine = 0;
  while (handled < 2000) {
    for (unsigned i = 0; i < 1000; ++i) {
      interrupted_counter.inc();
      interrupted_histogram.observe(2);
    }
    mine += 1000;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  every = {};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &every, nullptr), 0);
  ::signal(SIGALRM, old);
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.count("tasks"), mine + handled);
  EXPECT_EQ(scrape.buckets("times"), (std::vector<std::uint64_t>{handled, mine, 0}));
}

// The handler may be the first to update, and interrupt another first update anywhere.
TEST(Harmless, AHandlersFirstUpdateInterruptsAClaim) {
  TempSegment t;
  interrupted_counter = t.counter("tasks");
  for (unsigned round = 0; round < 200; ++round) {
    const pid_t worker = forked([&] {
      handled = 0;
      ::signal(SIGALRM, [](int) {
        interrupted_counter.inc();
        handled = handled + 1;
      });
      itimerval once{{0, 0}, {0, static_cast<suseconds_t>(1 + round % 100)}};
      ::setitimer(ITIMER_REAL, &once, nullptr);
      interrupted_counter.inc();
      while (static_cast<volatile std::uint64_t&>(handled) == 0) {
      }
      interrupted_counter.inc();
      EXPECT_EQ(t.segment().status(), METRICS_OK);
    });
    ASSERT_EQ(ended(worker), 0);
  }
  EXPECT_EQ(t.scraped("tasks"), 600u);
  EXPECT_EQ(t.scrape().lanes(), 0u);
}

TEST(Harmless, ObjectsThatWereNeverMadeCountNothing) {
  Counter().inc();
  Counter().inc(2.5);
  Counter().inc(-1);
  Gauge().set(1);
  Gauge().set_to_current_time();
  Histogram().observe(1);
  Summary().observe(1);
  { const auto timer = Histogram().time(); }
  metrics_counter_inc(nullptr, 1);
  metrics_counter_add(nullptr, 1.5);
  metrics_gauge_set(nullptr, 1);
  metrics_gauge_add(nullptr, 1);
  metrics_gauge_set_to_current_time(nullptr);
  metrics_histogram_observe(nullptr, 1);
}

}  // namespace
}  // namespace metrics::test
