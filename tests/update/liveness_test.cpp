// Who is alive is the kernel's word.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <map>
#include <string>

#include "libmetrics/update/claims.h"
#include "tests/support/gate.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::test {
namespace {

using State = format::Ownership::State;

// A worker that has counted and waits to be told to go on, or to be killed.
class Waiting {
 public:
  explicit Waiting(
      Counter tasks, const std::function<void()>& before = [] {}) {
    pid_ = forked([&, tasks]() mutable {
      tasks.inc();
      before();
      counted_.let_pass();
      end_.pass();
      tasks.inc();
    });
    counted_.pass();
  }
  pid_t pid() const { return pid_; }
  void let_end() {
    end_.let_pass();
    EXPECT_EQ(ended(pid_), 0);
  }

 private:
  Gate counted_;
  Gate end_;
  pid_t pid_;
};

TEST(Liveness, AnOwnerLivesUntilItIsKilled) {
  TempSegment t;
  Waiting worker(t.counter("tasks"));
  EXPECT_EQ(owner_of(t.file(), 1).state, State::kOwned);
  EXPECT_EQ(owner_of(t.file(), 1).generation, 1u);
  killed(worker.pid());
  EXPECT_TRUE(becomes_free(t.file(), 1));
}

TEST(Liveness, AnOwnerThatIsStoppedLives) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Waiting worker(tasks);
  ASSERT_EQ(::kill(worker.pid(), SIGSTOP), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(worker.pid(), &status, WUNTRACED), worker.pid());
  ASSERT_TRUE(WIFSTOPPED(status));
  EXPECT_EQ(owner_of(t.file(), 1).state, State::kOwned);
  EXPECT_EQ(ended(forked([&] { tasks.inc(10); })), 0);
  EXPECT_EQ(t.scrape().in_slot(1, "tasks"), 1u);
  ASSERT_EQ(::kill(worker.pid(), SIGCONT), 0);
  worker.let_end();
  EXPECT_EQ(t.scrape().in_slot(1, "tasks"), 2u);
}

TEST(Liveness, AnOwnerIsDeadThoughItsChildrenLive) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gate started;
  Gate end;
  Gate alive;
  Waiting worker(tasks, [&] {
    for (const auto start : {&forked, &raw_cloned}) {
      start([&] {
        ::prctl(PR_SET_PDEATHSIG, 0);
        started.let_pass();
        end.pass();
        alive.let_pass();
      });
    }
  });
  started.pass();
  started.pass();
  killed(worker.pid());
  EXPECT_TRUE(becomes_free(t.file(), 1));
  end.let_pass(2);
  alive.pass();
  alive.pass();
}

// A child of posix_spawn() or vfork() has its parent's memory until it executes its program, and
// the lock with it, though the parent has gone on and may be dead. So may a reader of /proc/PID.
TEST(Liveness, ASlotIsFreeOnceNoProcessHoldsItsDeadOwnersMemory) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer makes a fork of it";
#endif
  TempSegment t;
  Counter tasks = t.counter("tasks");
  static Gate* end;
  Gate gate;
  end = &gate;
  Waiting worker(tasks, [] {
    static std::array<std::byte, 256 * 1024> stack;
    const auto wait = [](void*) { return end->try_pass() ? 0 : 1; };
    ASSERT_GT(::clone(wait, stack.data() + stack.size(), CLONE_VM | SIGCHLD, nullptr), 0);
  });
  killed(worker.pid());
  EXPECT_EQ(owner_of(t.file(), 1).state, State::kOwned);
  EXPECT_EQ(ended(forked([&] { tasks.inc(); })), 0);
  EXPECT_EQ(t.scrape().first_slots(), 2u) << "the next one takes another slot, and counts";
  end->let_pass();
  EXPECT_TRUE(becomes_free(t.file(), 1));
  EXPECT_EQ(t.scraped("tasks"), 2u);
}

TEST(Liveness, AnOwnerLivesWhateverBecomesOfDescriptors) {
  TempSegment t;
  Waiting worker(t.counter("tasks"), [&] {
    // What drops a POSIX record lock, and what a daemon does.
    ::close(::open(t.file().c_str(), O_RDWR));
    EXPECT_EQ(owner_of(t.file(), 1).state, State::kOwned);
  });
  EXPECT_EQ(owner_of(t.file(), 1).state, State::kOwned);
  worker.let_end();
  ASSERT_TRUE(becomes_free(t.file(), 1));

  const pid_t closer = forked([&] {
    t.counter("tasks").inc();
    for (int fd = 3; fd < 1024; ++fd) ::close(fd);
    EXPECT_EQ(owner_of(t.file(), 1).state, State::kOwned);
    EXPECT_EQ(owner_of(t.file(), 1).generation, 2u);
  });
  EXPECT_EQ(ended(closer), 0);
}

TEST(Liveness, ADescriptorHeldElsewhereKeepsNobodyAlive) {
  TempSegment t;
  const format::Descriptor held(::open(t.file().c_str(), O_RDWR | O_CLOEXEC));
  Waiting worker(t.counter("tasks"), [&] {
    EXPECT_EQ(::fcntl(held.get(), F_GETFD), FD_CLOEXEC);  // inherited: both processes have it
  });
  killed(worker.pid());
  EXPECT_TRUE(becomes_free(t.file(), 1));
}

TEST(Liveness, AWorkerThatExecutesAnotherProgramOwnsNothing) {
  TempSegment t;
  const pid_t worker = forked([&] {
    t.counter("tasks").inc();
    ::execl("/bin/sh", "sh", "-c", "kill -STOP $$", nullptr);
    ADD_FAILURE() << "no /bin/sh";
  });
  int status = 0;
  ASSERT_EQ(::waitpid(worker, &status, WUNTRACED), worker);
  ASSERT_TRUE(WIFSTOPPED(status));
  EXPECT_TRUE(becomes_free(t.file(), 1));
  killed(worker);
}

TEST(Liveness, TheLockTellsTheGeneration) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  for (format::Generation generation = 1; generation <= 5; ++generation) {
    Waiting worker(tasks);
    EXPECT_EQ(owner_of(t.file(), 1).generation, generation);
    EXPECT_EQ(t.scrape().heads().at(1).generation, generation);
    const format::Descriptor fd(::open(t.file().c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_FALSE(format::certainly_dead(fd.get(), {1, generation}));
    EXPECT_TRUE(format::certainly_dead(fd.get(), {1, generation - 1}));
    EXPECT_TRUE(format::certainly_dead(fd.get(), {2, generation}));
    worker.let_end();
  }
}

void lock(int fd, short type, off_t start, off_t length) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = start;
  lock.l_len = length;
  ASSERT_EQ(::fcntl(fd, F_OFD_SETLK, &lock), 0);
}

TEST(Liveness, AReadLockIsNoOwner) {
  TempSegment t;
  const format::Descriptor stranger(::open(t.file().c_str(), O_RDWR | O_CLOEXEC));
  lock(stranger.get(), F_RDLCK, off_t{1} << 32, 8);
  EXPECT_EQ(owner_of(t.file(), 1).state, State::kFree);
  const format::Descriptor fd(::open(t.file().c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(format::certainly_dead(fd.get(), {1, 7}));
}

TEST(Liveness, ASlotThatIsBeingClaimedHasLostItsOwner) {
  TempSegment t;
  const format::Descriptor claiming(::open(t.file().c_str(), O_RDWR | O_CLOEXEC));
  lock(claiming.get(), F_WRLCK, off_t{1} << 32, 1);
  EXPECT_EQ(owner_of(t.file(), 1).state, State::kClaiming);
  const format::Descriptor fd(::open(t.file().c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(format::certainly_dead(fd.get(), {1, 1}));
}

TEST(Liveness, AnyDoubtIsAlive) {
  TempSegment t;
  const format::Descriptor stranger(::open(t.file().c_str(), O_RDWR | O_CLOEXEC));
  lock(stranger.get(), F_WRLCK, 0, 0);  // the whole file
  EXPECT_EQ(owner_of(t.file(), 1).state, State::kUnknown);
  const format::Descriptor fd(::open(t.file().c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(format::certainly_dead(fd.get(), {1, 1}));
  EXPECT_FALSE(format::certainly_dead(-1, {1, 1}));
}

// Two containers that share a segment: each worker is pid 1 in its own.
TEST(Liveness, WorkersOfTwoPidNamespacesShareASegment) {
  TempSegment t;
  Counter tasks = t.counter("tasks");
  Gauge load = t.gauge("load", Mode::kLiveAll);
  struct Container {
    Gate counted, look, looked, end;
    pid_t pid = 0;
  };
  const auto start = [&](Container& c, double value) {
    c.pid = forked([&, value] {
      if (::unshare(CLONE_NEWPID) != 0) ::_exit(1);
      const pid_t worker = ::fork();
      if (worker != 0) ::_exit(ended(worker));
      EXPECT_EQ(::getpid(), 1);
      tasks.inc(10);
      load.set(value);
      c.counted.let_pass();
      c.look.pass();
      // The other one is alive from in here too.
      EXPECT_EQ(owner_of(t.file(), 1).state, State::kOwned);
      EXPECT_EQ(owner_of(t.file(), 2).state, State::kOwned);
      c.looked.let_pass();
      c.end.pass();
      leave();
    });
    c.counted.pass();
  };
  const pid_t probe = forked([] { ::_exit(::unshare(CLONE_NEWPID) == 0 ? 0 : 77); });
  if (ended(probe) == 77) GTEST_SKIP() << "no permission to unshare pid namespaces";
  Container first;
  Container second;
  start(first, 1.5);
  start(second, 2.5);
  for (Container* c : {&first, &second}) {
    c->look.let_pass();
    c->looked.pass();
  }
  const Scrape both = t.scrape();
  EXPECT_EQ(both.count("tasks"), 20u);
  EXPECT_EQ(both.heads().at(1).pid, 1u);
  EXPECT_EQ(both.heads().at(2).pid, 1u);
  EXPECT_NE(both.heads().at(1).pid_namespace, both.heads().at(2).pid_namespace);
  EXPECT_EQ(both.by_pid("load"), (std::map<std::string, double>{{"1-1", 1.5}, {"1-2", 2.5}}));
  first.end.let_pass();
  EXPECT_EQ(ended(first.pid), 0);
  EXPECT_TRUE(becomes_free(t.file(), 1));
  EXPECT_EQ(t.scrape().by_pid("load"), (std::map<std::string, double>{{"1-2", 2.5}}));
  second.end.let_pass();
  EXPECT_EQ(ended(second.pid), 0);
  EXPECT_TRUE(becomes_free(t.file(), 2));
  EXPECT_EQ(t.scrape().by_pid("load"), (std::map<std::string, double>{}));
}

}  // namespace
}  // namespace metrics::test
