// liveness.cpp -- who is alive: a living worker's slot is never adopted, a dead one's is free for
// the next claim.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <utility>

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

// Kills a process that owns a slot, and waits until the kernel has let go of the slot.
void kill_and_let_go(pid_t pid, const std::string& path) {
  const std::string file = path + ".v2";
  const std::size_t before = Look(file).owned();
  kill_and_reap(pid);
  must(eventually([&] { return Look(file).owned() < before; }), "a dead one's slot is not free");
}

// A worker that does what it is told, wherever it runs.
class Worker {
 public:
  // `where` runs first, in the worker; false: it can't be had here, and the worker ends with 77.
  Worker(
      const std::string& path, Tally& tally,
      const std::function<bool()>& where = [] { return true; })
      : path_(path), pid_(start([&, this] {
          if (!where()) ::_exit(77);
          Program program(path, tally);
          for (;;) {
            if (!go_.try_pass(seconds(120))) ::_exit(78);
            program.update();
            program.gauge.inc();
            did_.let_pass();
          }
        })) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    if (pid_ > 0) kill_and_reap(pid_);
  }
  void counts(unsigned times = 1) {
    for (unsigned i = 0; i < times; ++i) {
      go_.let_pass();
      must(did_.try_pass(), "a worker did not count");
    }
  }
  // The worker must have counted: it owns a slot, which is free afterwards.
  void dies() { kill_and_let_go(std::exchange(pid_, -1), path_); }
  pid_t pid() const { return pid_; }

 private:
  const std::string path_;
  Gate go_, did_;
  pid_t pid_;
};

format::SlotIndex slots(const std::string& path) {
  return Look(path + ".v2").usage().first_slots_used;
}

bool new_pid_namespace() {
  if (::unshare(CLONE_NEWPID) == 0) return true;
  return ::unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0;
}

// Runs the body as first process of a pid namespace of its own. None if there can't be one here.
std::optional<int> in_pid_namespace(const std::function<void()>& body) {
  return run_child(
      [&] {
        if (!new_pid_namespace()) ::_exit(77);
        const auto status = wait_for(start(body), seconds(60));
        ::_exit(status && WIFEXITED(*status) ? WEXITSTATUS(*status) : 79);
      },
      seconds(90));
}
bool unavailable(const std::optional<int>& status) {
  return status && WIFEXITED(*status) && WEXITSTATUS(*status) == 77;
}

// The next process of this pid namespace gets that pid. False if the kernel does not let us say so.
bool next_pid(pid_t pid) {
  const int fd = ::open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const std::string text = std::to_string(pid - 1);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return written;
}

// The pid of the dead comes back to its successor, and to a process that never counts, while
// another one lives.
void pids_come_back(Run& run, const std::string& path, Tally& tally) {
  const auto status = in_pid_namespace([&] {
    constexpr pid_t kPid = 200;
    Worker living(path, tally);
    living.counts();
    for (int i = 0; i < 20; ++i) {
      if (!next_pid(kPid)) ::_exit(77);
      Worker mortal(path, tally);
      must(mortal.pid() == kPid, "the pid did not come back");
      mortal.counts(2);
      living.counts();
      mortal.dies();
      if (!next_pid(kPid)) ::_exit(77);
      must_end_well(start([] {}), "a bystander with the dead one's pid");
    }
    must(slots(path) == 2, "a dead one's slot was not adopted, or a living one's was");
  });
  if (unavailable(status)) return run.skip("pids can't be chosen here");
  run.check(well(status), "pids that come back: " + to_text(status));
  compare(run, "pids that come back", path, tally);
  run.count("pids that came back", 20);
}

// Workers of sibling namespaces have the same pids.
void sibling_namespaces(Run& run, const std::string& path, Tally& tally) {
  const auto status = run_child([&] {
    const auto elsewhere = [] {
      if (!new_pid_namespace()) return false;
      const pid_t child = ::fork();
      if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        return true;
      }
      int ended = 0;
      ::waitpid(child, &ended, 0);
      ::_exit(WIFEXITED(ended) ? WEXITSTATUS(ended) : 79);
    };
    Worker one(path, tally, elsewhere), two(path, tally, elsewhere), home(path, tally);
    one.counts();
    two.counts(2);
    home.counts(3);
    const Look look(path + ".v2");
    const auto heads = look.heads();
    must(heads.size() == 4 && heads[1].pid == 1 && heads[2].pid == 1,
         "the siblings don't have the same pid");
    two.dies();
    Worker next(path, tally);
    next.counts();
    one.counts();
    home.counts();
    must(slots(path) == 3, "the dead sibling's slot was not adopted, or a living one's was");
  });
  if (unavailable(status)) return run.skip("no pid namespaces here");
  run.check(well(status), "sibling namespaces: " + to_text(status));
  compare(run, "sibling namespaces", path, tally);
  run.count("sibling and nested pid namespaces");
}

void user_namespace(Run& run, const std::string& path, Tally& tally) {
  const auto status = run_child([&] {
    const auto possible = run_child([] { ::_exit(::unshare(CLONE_NEWUSER) == 0 ? 0 : 77); });
    if (!well(possible)) ::_exit(77);
    Worker home(path, tally);
    home.counts();
    Worker away(path, tally, [] { return ::unshare(CLONE_NEWUSER) == 0; });
    away.counts(2);
    home.counts();
    away.dies();
    Worker next(path, tally);
    next.counts();
    must(slots(path) == 2, "slots are not adopted across user namespaces");
  });
  if (unavailable(status)) return run.skip("no user namespaces here");
  run.check(well(status), "user namespace: " + to_text(status));
  compare(run, "user namespace", path, tally);
  run.count("user namespaces");
}

// Stopped workers live. There is no time-out that could pass; many come and go meanwhile.
void stopped(Run& run, const std::string& path, Tally& tally) {
  const auto status = run_child([&] {
    Worker sleeper(path, tally);
    sleeper.counts();
    ::kill(sleeper.pid(), SIGSTOP);
    ::waitpid(sleeper.pid(), nullptr, WUNTRACED);
    for (int i = 0; i < 50; ++i) {
      Worker mortal(path, tally);
      mortal.counts();
      mortal.dies();
    }
    must(slots(path) == 2, "a stopped worker's slot was adopted");
    ::kill(sleeper.pid(), SIGCONT);
    sleeper.counts(5);
    must(slots(path) == 2, "a stopped worker's slot was adopted");
  });
  run.check(well(status), "SIGSTOP: " + to_text(status));
  compare(run, "SIGSTOP", path, tally);
  run.count("claims beside a stopped worker", 50);
}

// Starts a child that has this process's memory, as one of posix_spawn() has until it executes its
// program; it does so only a while after this process has died.
pid_t spawned_slowly() {
  static std::array<std::byte, 64 * 1024> stack;
  static pid_t parent;
  parent = ::getpid();
  const auto spawn = [](void*) {
    while (::getppid() == parent) pause_for(std::chrono::microseconds(100));
    pause_for(std::chrono::milliseconds(50));
    ::execlp("sleep", "sleep", "60", nullptr);
    return 80;
  };
  return ::clone(spawn, stack.data() + stack.size(), CLONE_VM | SIGCHLD, nullptr);
}

// Helpers that a worker leaves behind, with every descriptor that it had, don't keep its slot.
void leaked_descriptors(Run& run, const std::string& path, Tally& tally) {
  const auto status = run_child([&] {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (const int way : {0, 1, 2, 3, 4}) {
      // ThreadSanitizer and Valgrind know no such children.
      if (way == 4 && !run.possible("a child with its parent's memory", "thread valgrind"))
        continue;
      auto& helper = shared<std::atomic<pid_t>>();
      Gate up;
      const pid_t worker = start([&] {
        Program program(path, tally);
        program.update();
        pid_t pid = -1;
        if (way == 0) pid = ::fork();
        if (way == 1) {
          pid =
              static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
        }
        if (way == 2) {
          std::jthread writer([&] { program.update(100); });
          pid = ::fork();
          if (pid == 0) writer.detach();  // is not there in the child
        }
        if (pid == 0) {
          ::prctl(PR_SET_PDEATHSIG, 0);
          for (;;) ::pause();
        }
        if (way == 3) {
          char name[] = "sleep", time[] = "60";
          char* arguments[] = {name, time, nullptr};
          must(::posix_spawnp(&pid, name, nullptr, nullptr, arguments, environ) == 0, "spawn");
        }
        if (way == 4) pid = spawned_slowly();
        helper = pid;
        up.let_pass();
        ::pause();
      });
      must(up.try_pass(), "no helper");
      kill_and_let_go(worker, path);
      {
        Worker next(path, tally);
        next.counts();
        next.dies();
      }
      must(::kill(helper, 0) == 0, "the helper is gone");
      kill_and_reap(helper);
      must(slots(path) == 1,
           "a helper keeps the slot of a dead worker, way " + std::to_string(way));
    }
  });
  run.check(well(status), "leaked descriptors: " + to_text(status));
  compare(run, "leaked descriptors", path, tally);
  run.count("helpers left behind", 5);
}

// The process lives on when its main thread has ended; after exec() it is another program.
void main_thread_and_exec(Run& run, const std::string& path, Tally& tally) {
  const auto status = run_child([&] {
    // Never closed: the end of the main thread unwinds its stack, in its copy of this process,
    // under the other thread.
    Gate& go = *new Gate;
    Gate& did = *new Gate;
    const pid_t headless = start([&] {
      static Program* program;
      static Gate *run_on, *told;
      program = new Program(path, tally);
      run_on = &go;
      told = &did;
      program->update();
      std::thread([] {
        program->update();
        while (run_on->try_pass()) {
          program->update();
          told->let_pass();
        }
        ::_exit(0);
      }).detach();
      ::pthread_exit(nullptr);
    });
    go.let_pass();
    must(did.try_pass(), "the thread did not count");
    Worker other(path, tally);
    other.counts();
    must(slots(path) == 2, "the slot of a process without its main thread was adopted");
    go.let_pass();
    must(did.try_pass(), "the thread did not count");
    kill_and_let_go(headless, path);

    Gate about;
    const pid_t changed = start([&] {
      Program program(path, tally);
      program.update();
      about.let_pass();
      ::execlp("sleep", "sleep", "60", nullptr);
      ::_exit(80);
    });
    must(about.try_pass(), "no update before exec()");
    must(eventually([&] {
           return std::filesystem::exists("/proc/" + std::to_string(changed) + "/exe") &&
                  std::filesystem::read_symlink("/proc/" + std::to_string(changed) + "/exe")
                          .filename() != std::filesystem::read_symlink("/proc/self/exe").filename();
         }),
         "no exec()");
    // Its old memory, and with it the lock, goes a moment later.
    must(eventually(
             [&] { return Look(path + ".v2").owner(1).state == format::Ownership::State::kFree; }),
         "a program that became another one keeps its lock");
    Worker next(path, tally);
    next.counts();
    kill_and_reap(changed);
    must(slots(path) == 2, "a program that became another one keeps its slot");
  });
  run.check(well(status), "main thread and exec: " + to_text(status));
  compare(run, "main thread and exec", path, tally);
  run.count("processes without main thread, and after exec()");
}

}  // namespace

void who_is_alive(Run& run) {
  do {
    for (const auto part : {pids_come_back, sibling_namespaces, user_namespace, stopped,
                            leaked_descriptors, main_thread_and_exec}) {
      const std::string path = run.fresh_path();
      part(run, path, shared<Tally>());
      std::filesystem::remove(path + ".v2");
      if (run.hopeless()) return;
    }
  } while (run.more());
}

}  // namespace metrics::torture
