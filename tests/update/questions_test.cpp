// What a claim asks of the kernel, and what others may do while it is under way. The program stands
// in for fcntl(), so that it counts the locks that are asked for, and does something in between.
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <functional>
#include <list>
#include <thread>
#include <utility>

#include "libmetrics/update/claims.h"
#include "tests/support/eventually.h"
#include "tests/support/gate.h"
#include "tests/support/living.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace {

std::atomic<unsigned> lock_calls{0};
// Called once, before the next lock is asked for.
std::function<void()> before_lock;

bool is_lock(int command) { return command == F_OFD_SETLK || command == F_OFD_GETLK; }

}  // namespace

// Passes on every command that the tests' libraries use: with a pointer, a number or nothing.
extern "C" int fcntl(int fd, int command, ...) {
  static const auto real = reinterpret_cast<int (*)(int, int, ...)>(::dlsym(RTLD_NEXT, "fcntl"));
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (is_lock(command)) {
    ++lock_calls;
    if (const auto now = std::exchange(before_lock, nullptr)) now();
  }
  return real(fd, command, argument);
}

namespace metrics::test {
namespace {

constexpr unsigned kWorkers = 96;
constexpr unsigned kFew = 40;  // questions to the kernel, of a claim beside that many workers
static_assert(2 * update::kAsked + 3 <= kFew && kFew < kWorkers);
constexpr Geometry kWide = {128, 128, 4096, 64 * 1024};

// Workers that each own a first slot, and a lane with their second thread.
class Crowd {
 public:
  Crowd(Counter tasks, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      workers_.emplace_back([tasks] {
        tasks.inc();
        // The thread lives on: else it would give its lane back.
        std::atomic<bool> there{false};
        std::thread([&] {
          tasks.inc();
          there = true;
          for (;;) ::pause();
        }).detach();
        while (!there) std::this_thread::yield();
      });
    }
  }
  // Kills the i-th worker, counted from 0 in the order of their starts.
  void kill(unsigned i) { std::next(workers_.begin(), i)->kill(); }

 private:
  std::list<Living> workers_;
};

// Returns how many locks the body asks for in a process of its own.
unsigned asked(const std::function<void()>& body) {
  Gate calls;
  started([&] {
    lock_calls = 0;
    body();
    const unsigned count = lock_calls;
    if (count > 0) calls.let_pass(count);
  });
  return static_cast<unsigned>(calls.passed(10'000));
}

TEST(Claim, AsksForAFewSlotsHoweverManyLive) {
  TempSegment t(kWide);
  const Counter tasks = t.counter("tasks");
  const Crowd crowd(tasks, kWorkers);
  // The lowest, those from the hand on, and the first that no process has had: with two locks and a
  // question to confirm them.
  EXPECT_EQ(asked([&] { tasks.inc(); }), 2 * update::kAsked + 3);
  EXPECT_EQ(t.scrape().first_slots(), kWorkers + 1);
  EXPECT_EQ(t.scrape().count("tasks"), 2 * kWorkers + 1);
}

TEST(Claim, OfAThreadAsksForAFewOwnersHoweverManyLive) {
  TempSegment t(kWide);
  const Counter tasks = t.counter("tasks");
  const Crowd crowd(tasks, kWorkers);
  const unsigned of_process = asked([&] { tasks.inc(); });
  const unsigned of_both = asked([&] {
    tasks.inc();
    std::thread([&] { tasks.inc(); }).join();
  });
  EXPECT_LE(of_both - of_process, kFew);
  EXPECT_EQ(t.scrape().lanes(), kWorkers + 1);
}

TEST(Claim, FindsADeadOnesSlotAmongTheLivingInAFewAttempts) {
  TempSegment t(kWide);
  const Counter tasks = t.counter("tasks");
  Crowd crowd(tasks, kWorkers);
  crowd.kill(70);
  crowd.kill(71);
  // Each claim looks at some more of the slots above the lowest; each new worker ends again, so
  // that no more than these slots are used for long.
  const auto rounds = (kWorkers - update::kAsked) / update::kAsked + 1;
  std::list<Living> more;
  for (unsigned i = 0; i < rounds; ++i) more.emplace_back([&] { tasks.inc(); });
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.heads().at(71).generation, 2u);
  EXPECT_EQ(scrape.heads().at(72).generation, 2u);
  EXPECT_EQ(scrape.first_slots(), kWorkers + rounds - 2);
}

TEST(Claim, TakesADeadOnesSlotWhereverItIsIfNoOtherIsLeft) {
  TempSegment t({kWorkers, 128, 4096, 64 * 1024});
  const Counter tasks = t.counter("tasks");
  Crowd crowd(tasks, kWorkers);
  crowd.kill(kWorkers - 1);
  crowd.kill(40);
  const Living first([&] { tasks.inc(); });
  const Living second([&] { tasks.inc(); });
  const Scrape scrape = t.scrape();
  EXPECT_EQ(scrape.heads().at(41).generation, 2u);
  EXPECT_EQ(scrape.heads().at(kWorkers).generation, 2u);
  EXPECT_EQ(scrape.in_slot(0, "tasks"), 0u);
}

// A raw clone() copies the descriptors of its parent as they are at that instant. One of them holds
// the lock that another thread is about to get.
TEST(Claim, OfAParentDiesWithItThoughAChildWasClonedMeanwhile) {
  TempSegment t, another;
  const Counter tasks = t.counter("tasks"), others = another.counter("others");
  Gate counted, claimed, end;
  const pid_t parent = forked([&] {
    before_lock = [&] {
      raw_cloned([&] {
        ::prctl(PR_SET_PDEATHSIG, 0);  // it must outlive its parent
        claimed.pass();
        others.inc();  // the child's first entry, in another segment than the claim's
        tasks.inc();
        counted.let_pass();
        end.pass();
      });
    };
    tasks.inc();
    claimed.let_pass();
    ::pause();
  });
  counted.pass();
  const Scrape before = t.scrape();
  ASSERT_EQ(before.first_slots(), 2u);
  killed(parent);
  const format::Descriptor fd = format::open_file(t.file().c_str(), format::OpenFor::kReading);
  EXPECT_TRUE(eventually(
      [&] { return format::ownership(fd.get(), 1).state == format::Ownership::State::kFree; }));
  end.let_pass();
}

}  // namespace
}  // namespace metrics::test
