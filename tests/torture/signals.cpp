// signals.cpp -- updates in signal handlers that interrupt updates, threads that come and go, and
// how processes end.
#include <dlfcn.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/support/eventually.h"
#include "tests/support/gate.h"
#include "tests/support/shared_memory.h"
#include "tests/torture/cases.h"
#include "tests/torture/plugin.h"
#include "tests/torture/program.h"

namespace metrics::torture {
namespace {

using std::chrono::seconds;
using test::eventually;
using test::Gate;
using test::shared;

// The program whose updates a handler interrupts, to make the same updates itself.
Program* interrupted = nullptr;
std::atomic<std::uint64_t> handled{0};

void count_in_handler(int) {
  interrupted->update(2);
  handled.fetch_add(1);
}

void shoot(int microseconds) {
  struct sigaction action {};
  action.sa_handler = count_in_handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGALRM, &action, nullptr);
  const itimerval often{{0, microseconds}, {0, microseconds}};
  ::setitimer(ITIMER_REAL, &often, nullptr);
}
void cease_fire() {
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
}

// Counts are exact. Sums of doubles may lack one of two updates for each that was interrupted, as
// metrics.h says.
void compare_counts(Run& run, const std::string& what, const std::string& path, const Tally& tally,
                    std::uint64_t handlers) {
  const Look look(path + ".v2");
  run.check(look.faults().empty(), what + ": the directory has faults");
  run.check(look.count("c") == tally.counts && look.count("h") == tally.observed,
            what + ": " + std::to_string(tally.counts) + " and " + std::to_string(tally.observed) +
                " acknowledged, " + std::to_string(look.count("c")) + " and " +
                std::to_string(look.count("h")) + " scraped");
  const double whole = 0.5 * static_cast<double>(tally.observed);
  const double sum = look.value("h");
  run.check(sum <= whole && sum >= whole - static_cast<double>(2 * handlers),
            what + ": the sum is " + std::to_string(sum) + " of " + std::to_string(whole));
}

void handlers_that_count(Run& run, bool in_shared_slot) {
  const std::string what =
      in_shared_slot ? "handlers, in the shared slot" : "handlers that interrupt updates";
  const std::string path = run.fresh_path();
  auto& tally = shared<Tally>();
  auto& handlers = shared<std::atomic<std::uint64_t>>();
  Gate up;
  const Geometry one = {1, 8, 8 * 1024, 64 * 1024};
  pid_t occupant = -1;
  if (in_shared_slot) {
    occupant = start([&] {
      Program p(path, tally, one);
      p.update();
      up.let_pass();
      ::pause();
    });
    run.check(up.try_pass(), "nobody has the only slot");
  }
  const auto until = run.share(8);
  const auto status = run_child([&] {
    Program p(path, tally, in_shared_slot ? one : kProgramGeometry);
    interrupted = &p;
    shoot(97);
    while (Clock::now() < until) p.update(100);
    cease_fire();
    handlers = handled.load();
  });
  run.check(well(status), what + ": " + to_text(status));
  if (occupant > 0) kill_and_reap(occupant);
  compare_counts(run, what, path, tally, handlers);
  run.count(what, handlers);
}

// A process's or thread's first update, which claims, is interrupted by an update.
void handlers_at_first_update(Run& run) {
  const std::string path = run.fresh_path();
  auto& tally = shared<Tally>();
  auto& handlers = shared<std::atomic<std::uint64_t>>();
  const auto until = run.share(8);
  const auto status = run_child([&] {
    Program p(path, tally);
    interrupted = &p;
    do {
      must_end_well(start([&] {
                      shoot(53);
                      for (int t = 0; t < 8; ++t) {
                        std::thread([&] { p.update(3); }).join();
                        p.update(3);
                      }
                      cease_fire();
                      handlers.fetch_add(handled);
                    }),
                    "a child that is interrupted at its first update");
    } while (Clock::now() < until);
  });
  run.check(well(status), "interrupted first updates: " + to_text(status));
  compare_counts(run, "interrupted first updates", path, tally, handlers);
  run.count("handlers around first updates", handlers);
}

void short_threads(Run& run) {
  const std::string path = run.fresh_path();
  auto& tally = shared<Tally>();
  constexpr std::uint64_t kMost = 100'000;
  constexpr unsigned kAtOnce = 4;
  const auto until = run.share(4);
  const auto status = run_child(
      [&] {
        Program p(path, tally);
        std::vector<std::jthread> makers;
        for (unsigned m = 0; m < kAtOnce; ++m) {
          makers.emplace_back([&] {
            for (std::uint64_t i = 0; i < kMost / kAtOnce && Clock::now() < until; ++i) {
              std::thread([&] { p.update(); }).join();
            }
          });
        }
        makers.clear();
        must(p.segment.status() == METRICS_OK, "some thread had no slot");
      },
      std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()) + seconds(60));
  run.check(well(status), "short threads: " + to_text(status));
  compare(run, "short threads", path, tally);
  const Look look(path + ".v2");
  run.check(
      look.usage().first_slots_used == 1 && look.usage().lanes_used < kAtOnce,
      "lanes of ended threads are not used again: " + std::to_string(look.usage().lanes_used));
  run.count("short threads", tally.counts);
}

void threads_end_while_forking(Run& run) {
  const std::string path = run.fresh_path();
  auto& tally = shared<Tally>();
  auto& forks = shared<std::atomic<std::uint64_t>>();
  const auto until = run.share(8);
  const auto status = run_child(
      [&] {
        Program p(path, tally);
        std::vector<std::jthread> makers;
        for (int m = 0; m < 2; ++m) {
          makers.emplace_back([&](const std::stop_token& stop) {
            while (!stop.stop_requested()) std::thread([&] { p.update(); }).join();
          });
        }
        do {
          // From a thread that has counted, and from one that has not; it ends in the child by
          // returning.
          std::thread([&] {
            if (forks % 2 == 0) p.update();
            const pid_t pid = ::fork();
            if (pid == 0) {
              ::prctl(PR_SET_PDEATHSIG, SIGKILL);
              if (forks % 3 == 0) p.update(2);
              ::pthread_exit(nullptr);  // the only thread, so the process ends, orderly
            }
            must_end_well(pid, "a child whose only thread ends");
          }).join();
          ++forks;
        } while (Clock::now() < until);
      },
      seconds(90));
  run.check(well(status), "thread ends while forking: " + to_text(status));
  compare(run, "thread ends while forking", path, tally);
  run.count("forks while threads ended", forks);
}

// Static objects, atexit() and threads that run on until the very end.
void ways_to_end(Run& run) {
  const std::string path = run.fresh_path();
  auto& tally = shared<Tally>();
  for (int i = 0; i < 5; ++i) {
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      static struct Last {
        Program* program = nullptr;
        ~Last() { program->update(); }
      } last;
      last.program = new Program(path, tally);
      interrupted = last.program;
      std::atexit([] { interrupted->update(); });
      last.program->update();
      auto& running = shared<std::atomic<int>>();
      std::thread([&running] {
        interrupted->update();
        running = 1;
        // Not acknowledged any more: the process may end in the middle of any of them.
        const Family<Counter> other("other", "", {}, {.segment = interrupted->segment});
        for (;;) other.labels().inc();
      }).detach();
      eventually([&running] { return running == 1; });
      std::exit(0);
    }
    const auto status = wait_for(pid, seconds(30));
    run.check(well(status), "exit() with static objects: " + to_text(status));
  }
  compare(run, "exit() with static objects", path, tally);
  run.count("processes that ended by exit()", 5);
}

void unloading(Run& run) {
  const std::string path = run.fresh_path();
  const std::string library =
      std::filesystem::read_symlink("/proc/self/exe").parent_path().native() + "/torture_plugin.so";
  const auto status = run_child([&] {
    for (int i = 0; i < 3; ++i) {
      void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
      if (handle == nullptr) throw std::runtime_error(std::string("dlopen: ") + ::dlerror());
      const auto open =
          reinterpret_cast<decltype(&torture_plugin_open)>(::dlsym(handle, "torture_plugin_open"));
      const auto count = reinterpret_cast<decltype(&torture_plugin_count)>(
          ::dlsym(handle, "torture_plugin_count"));
      must(open != nullptr && count != nullptr && open(path.c_str()), "the plugin can't be used");
      count();
      // A thread that has counted ends after the library is gone; so does a child's only thread.
      Gate counted, closed;
      std::thread thread([&] {
        count();
        counted.let_pass();
        closed.try_pass();
      });
      counted.try_pass();
      must_end_well(start([&] { count(); }), "a child");
      must(::dlclose(handle) == 0, "dlclose");
      closed.let_pass();
      thread.join();
    }
  });
  run.check(well(status), "dlclose(): " + to_text(status));
  // Three counts and the static object's in each round; a child leaves without destructors.
  const Look look(path + ".v2");
  run.check(look.count("c") == 3 * 4,
            "dlclose(): 12 counted, " + std::to_string(look.count("c")) + " scraped");
  run.count("libraries unloaded", 3);
}

}  // namespace

void signals_and_threads(Run& run) {
  // What ThreadSanitizer can watch is no single instruction, see metrics_hot_count().
  if (run.possible("handlers that interrupt updates", "thread")) {
    handlers_that_count(run, false);
    handlers_at_first_update(run);
  }
  handlers_that_count(run, true);
  short_threads(run);
  // Sanitizers free memory at a thread's end, in a child under locks that its parent's threads
  // held.
  if (run.possible("forks while threads end", "address thread")) threads_end_while_forking(run);
  ways_to_end(run);
  // An instrumented library can't be loaded and unloaded.
  if (run.possible("dlclose()", "address thread")) unloading(run);
}

}  // namespace metrics::torture
