// forks.cpp -- every way to become another process. Everybody acknowledges, nobody is killed: so a
// scrape has to show exactly what was acknowledged.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "tests/support/eventually.h"
#include "tests/support/gate.h"
#include "tests/support/shared_memory.h"
#include "tests/torture/cases.h"
#include "tests/torture/program.h"

extern char** environ;

namespace metrics::torture {
namespace {

using std::chrono::seconds;
using test::eventually;
using test::Gate;
using test::shared;

// Threads that update (and, now and then, register) until told to stop.
class Pool {
 public:
  Pool(Program& program, unsigned threads, bool registers = false) : program_(program) {
    for (unsigned t = 0; t < threads; ++t) {
      threads_.emplace_back([this, t, registers](const std::stop_token& stop) {
        for (unsigned i = 0; !stop.stop_requested(); ++i) {
          program_.update();
          if (registers && i % 64 == 0) {
            Family<Counter>("pool" + std::to_string(t), "", {"n"}, {.segment = program_.segment})
                .labels(std::to_string(i / 64 % 50))
                .inc();
          }
        }
      });
    }
  }

 private:
  Program& program_;
  std::vector<std::jthread> threads_;
};

pid_t raw_clone() {
  return static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

// ---- the ways ----

void threads_write_while_forking(Program& p) {
  Pool pool(p, 3);
  for (int i = 0; i < 20; ++i) {
    must_end_well(start([&] { p.update(200); }), "a child of many threads");
    p.update();
  }
}

void fork_while_another_registers(Program& p) {
  Pool pool(p, 2, true);
  for (int i = 0; i < 20; ++i) {
    must_end_well(start([&] {
                    Family<Counter>("child", "", {"n"}, {.segment = p.segment})
                        .labels(std::to_string(i))
                        .inc();
                    p.update(50);
                  }),
                  "a child forked while others register");
  }
}

void line_of_ten(Program& p) {
  const std::function<void(int)> go = [&](int depth) {
    Pool pool(p, 2);
    p.update(10);
    if (depth == 0) return;
    must_end_well(start([&] { go(depth - 1); }), "a link of the line");
    p.update(10);
  };
  go(10);
}

void children_that_never_write(Program& p) {
  p.update();
  for (int i = 0; i < 10; ++i) must_end_well(start([] {}), "a silent child");
}

void parents_die_first(Program& p) {
  Gate told;
  must_end_well(start([&] {
                  p.update();
                  if (::fork() == 0) {
                    // No longer bound to its parent: only to the case.
                    ::prctl(PR_SET_PDEATHSIG, 0);
                    p.update(100);
                    told.let_pass();
                    ::_exit(0);
                  }
                }),
                "a parent that dies first");
  must(told.try_pass(), "the orphan did not count");
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
}

// clone() without any library's handlers, while other threads claim, write and end.
void raw_clones(Program& p) {
  Pool pool(p, 1);
  std::jthread churn([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) std::jthread([&] { p.update(2); });
  });
  for (int i = 0; i < 30; ++i) {
    const pid_t pid = raw_clone();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      p.update(100);
      ::_exit(0);
    }
    must_end_well(pid, "a raw clone");
  }
}

// The child of vfork() has its parent's memory, and with it its slot: the parent waits meanwhile.
void vforks(Program& p) {
  Pool pool(p, 1);
  for (int i = 0; i < 20; ++i) {
    p.update();
    const pid_t pid = ::vfork();
    if (pid == 0) {
      p.counter.inc();
      p.tally.counts.fetch_add(1);
      ::_exit(0);
    }
    must_end_well(pid, "a child of vfork");
    p.update();
  }
}

// The first update of all is a vfork child's.
void vfork_claims(Program& p) {
  const pid_t pid = ::vfork();
  if (pid == 0) {
    p.counter.inc();
    p.tally.counts.fetch_add(1);
    ::_exit(0);
  }
  must_end_well(pid, "a claiming child of vfork");
  p.update(10);
}

void spawn_and_exec(Program& p) {
  p.update();
  char name[] = "true";
  char* arguments[] = {name, nullptr};
  pid_t pid = 0;
  must(::posix_spawnp(&pid, "true", nullptr, nullptr, arguments, environ) == 0, "posix_spawn");
  must_end_well(pid, "a spawned program");
  p.update();
  must_end_well(start([&] {
                  p.update(3);
                  ::execlp("true", "true", nullptr);
                  ::_exit(73);
                }),
                "a program that counted and became another");
}

void fork_in_handler(Program& p) {
  static Program* program;
  static std::atomic<int>* forked;
  program = &p;
  forked = &shared<std::atomic<int>>();
  struct sigaction action {};
  action.sa_handler = [](int) {
    // It ends in the handler: one that returned would finish the update that was interrupted, in
    // its parent's slot.
    if (const pid_t pid = ::fork(); pid == 0) {
      program->update(5);
      ::_exit(0);
    } else if (pid > 0) {
      ::waitpid(pid, nullptr, 0);
      ++*forked;
    }
  };
  ::sigaction(SIGUSR1, &action, nullptr);
  const pid_t self = ::getpid();
  constexpr int kForks = 20;
  const pid_t shooter = start([&] {
    for (int i = 0; i < kForks; ++i) {
      pause_for(std::chrono::microseconds(300));
      ::kill(self, SIGUSR1);
      must(eventually([&] { return *forked > i; }), "a handler does not return");
    }
  });
  const bool all = eventually([&] {
    p.update(20);
    return *forked == kForks;
  });
  must_end_well(shooter, "who sends signals");
  ::signal(SIGUSR1, SIG_IGN);
  must(all, "a handler did not run");
}

// Destructors of what a child has inherited run when it leaves by exit().
void children_that_exit(Program& p) {
  struct AtEnd {
    Program* program = nullptr;
    ~AtEnd() {
      if (program != nullptr) program->update(2);
    }
  };
  thread_local AtEnd at_end;
  at_end.program = &p;
  Pool pool(p, 2);
  for (int i = 0; i < 10; ++i) {
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (i % 2 == 0) p.update(3);
      std::exit(0);
    }
    must_end_well(pid, "a child that calls exit()");
  }
  at_end.program = nullptr;
}

void daemons(Program& p) {
  p.update();
  Gate told;
  must_end_well(start([&] {
                  ::prctl(PR_SET_PDEATHSIG, 0);
                  if (::daemon(0, 0) != 0) ::_exit(74);
                  p.update(10);
                  told.let_pass();
                  ::_exit(0);
                }),
                "who becomes a daemon");
  must(told.try_pass(), "the daemon did not count");
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
}

struct Way {
  const char* name;
  void (*go)(Program&);
  std::uint32_t most_slots;  // 0: any
  std::string_view not_watched_by = {};
};
// What sanitizers know of threads, and hold locked for them, a child inherits: it may not start
// threads, nor allocate where its parent's other threads did.
constexpr std::string_view kThreadsInherited = "address thread";
constexpr Way kWays[] = {
    {"fork while threads write", threads_write_while_forking, 2},
    {"fork while threads register", fork_while_another_registers, 2, kThreadsInherited},
    {"a line of ten forks with thread pools", line_of_ten, 11, kThreadsInherited},
    {"children that never write", children_that_never_write, 1},
    {"parents that die first", parents_die_first, 2},
    {"raw clone while threads claim and end", raw_clones, 2, kThreadsInherited},
    {"vfork", vforks, 1, "thread valgrind"},  // which make a fork of it
    {"vfork claims", vfork_claims, 1},
    {"posix_spawn and exec", spawn_and_exec, 2},
    {"fork in a signal handler", fork_in_handler, 2},
    {"children that call exit()", children_that_exit, 2},
    {"daemon()", daemons, 2},
};

// ---- ways that need their own beginning ----

// The file is deleted, and made anew by somebody else, between open and fork: counts go to the
// deleted one, are told to be gone, and never to the new one.
void recreated(Run& run) {
  const std::string path = run.fresh_path();
  auto& tally = shared<Tally>();
  Gate deleted, created;
  const pid_t other = start([&] {
    must(deleted.try_pass(), "nothing was deleted");
    Program anew(path, tally);
    created.let_pass();
  });
  const auto status = run_child([&] {
    Program p(path, tally);
    std::filesystem::remove(path + ".v2");
    deleted.let_pass();
    must(created.try_pass(), "nothing was created anew");
    must_end_well(start([&] {
                    p.update(5);
                    must(p.segment.status() == METRICS_GONE, "the child is not told");
                  }),
                  "the child");
  });
  run.check(well(wait_for(other, seconds(20))), "deleted and recreated: the other one failed");
  run.check(well(status), "deleted and recreated: " + to_text(status));
  const Look look(path + ".v2");
  run.check(look.count("c") == 0 && look.usage().first_slots_used == 0,
            "deleted and recreated: somebody wrote to the new file");
}

void relative_path(Run& run) {
  const std::string path = run.fresh_path();
  auto& counts = shared<Tally>();
  const auto status = run_child([&] {
    must(::chdir(run.directory().c_str()) == 0, "chdir");
    Program p(path.substr(path.rfind('/') + 1), counts);
    Gate told;
    must_end_well(start([&] {
                    ::prctl(PR_SET_PDEATHSIG, 0);
                    if (::daemon(0, 0) != 0) ::_exit(74);  // changes to /
                    p.update(7);
                    told.let_pass();
                    ::_exit(p.segment.status() == METRICS_OK ? 0 : 75);
                  }),
                  "who becomes a daemon");
    must(told.try_pass(), "the daemon did not count");
  });
  run.check(well(status), "relative path before daemon(): " + to_text(status));
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  compare(run, "relative path before daemon()", path, counts);
}

// After set-up, the file can't be reached: what was made is counted in the shared slot, and it is
// said.
void confined(Run& run, const std::string& what, const std::function<bool()>& confine) {
  const std::string path = run.fresh_path();
  auto& counts = shared<Tally>();
  const auto status = run_child([&] {
    Program p(path, counts);
    must_end_well(start([&] {
                    if (!confine()) ::_exit(76);
                    p.update(9);
                    must(p.segment.status() != METRICS_OK, "the child is not told");
                  }),
                  what);
  });
  run.check(well(status), what + ": " + to_text(status));
  compare(run, what, path, counts);
}

}  // namespace

void fork_in_all_forms(Run& run) {
  do {
    for (const Way& way : kWays) {
      if (!run.possible(way.name, way.not_watched_by)) continue;
      const std::string path = run.fresh_path();
      auto& tally = shared<Tally>();
      const auto status = run_child(
          [&] {
            ::prctl(PR_SET_CHILD_SUBREAPER, 1);
            Program p(path, tally);
            way.go(p);
            must(p.segment.status() == METRICS_OK, "the segment's status is not OK");
          },
          seconds(60));
      run.check(well(status), std::string(way.name) + ": " + to_text(status));
      compare(run, way.name, path, tally);
      const Look look(path + ".v2");
      run.check(way.most_slots == 0 || look.usage().first_slots_used <= way.most_slots,
                std::string(way.name) + ": " + std::to_string(look.usage().first_slots_used) +
                    " slots were used");
      run.count(way.name);
      run.count("updates", tally.counts + tally.observed);
      std::filesystem::remove(path + ".v2");
      if (run.hopeless()) return;
    }
    recreated(run);
    run.count("deleted and recreated between open and fork");
    relative_path(run);
    run.count("relative path before daemon()");
    if (::geteuid() == 0) {
      confined(run, "chroot after set-up", [&] { return ::chroot("/proc") == 0; });
      run.count("chroot after set-up");
      constexpr uid_t kNobody = 65534;
      confined(run, "setuid after set-up", [&] { return ::setuid(kNobody) == 0; });
      run.count("setuid after set-up");
    } else {
      run.skip("chroot and setuid need root");
    }
  } while (run.more() && !run.hopeless());
}

}  // namespace metrics::torture
