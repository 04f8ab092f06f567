#include "tests/torture/stepper.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <unordered_map>

#include "tests/torture/processes.h"
#include "tests/torture/run.h"

namespace metrics::torture {

#if defined(__x86_64__)

namespace {

constexpr std::size_t kMostSteps = 2'000'000;

void stop_here() { ::syscall(SYS_tgkill, ::getpid(), ::syscall(SYS_gettid), SIGSTOP); }

void be_traced() {
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(71);
  stop_here();
}

// The process (or thread) that is stepped, stopped at its first instruction; and the process to
// reap.
class Tracee {
 public:
  explicit Tracee(const Scene& scene) {
    const auto whole = [&scene] {
      const std::function<void()> body = scene.prepare();
      switch (scene.place) {
        case Scene::Place::kProcess:
          be_traced();
          body();
          stop_here();
          break;
        case Scene::Place::kThread:
          std::thread([&] {
            be_traced();
            body();
          }).join();
          break;
        case Scene::Place::kForkedChild: {
          be_traced();
          const pid_t child = ::fork();
          if (child == 0) {
            body();
            stop_here();
            ::_exit(0);
          }
          ::waitpid(child, nullptr, 0);
          break;
        }
      }
      ::_exit(0);
    };
    process_ = start(whole);
    stepped_ = stopped();
    ::ptrace(PTRACE_SETOPTIONS, stepped_, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK);
    if (scene.place == Scene::Place::kForkedChild) {
      const pid_t forker = stepped_;
      ::ptrace(PTRACE_CONT, forker, nullptr, nullptr);
      if (stopped() != forker) throw std::runtime_error("no fork event");
      unsigned long child = 0;
      ::ptrace(PTRACE_GETEVENTMSG, forker, nullptr, &child);
      stepped_ = static_cast<pid_t>(child);
      int status = 0;
      ::waitpid(stepped_, &status, __WALL);
      ::ptrace(PTRACE_DETACH, forker, nullptr, nullptr);
    }
  }
  Tracee(const Tracee&) = delete;
  Tracee& operator=(const Tracee&) = delete;
  ~Tracee() {
    if (alive_) {
      ::kill(stepped_, SIGKILL);  // of a thread: its whole process
      int status = 0;
      do {
        if (::waitpid(stepped_, &status, __WALL) < 0) break;
      } while (!WIFSIGNALED(status) && !WIFEXITED(status));
    }
    // The process around it: killed likewise, or about to end.
    if (process_ != stepped_) wait_for(process_, std::chrono::seconds(20));
  }

  std::uintptr_t address() const {
    user_regs_struct registers{};
    ::ptrace(PTRACE_GETREGS, stepped_, nullptr, &registers);
    return registers.rip;
  }

  // One instruction further; false at the end.
  bool step() { return go(PTRACE_SINGLESTEP); }

  // Has the signal handled here, and runs on to the end; false if the process has died of it.
  bool interrupt(int signal) {
    go(PTRACE_CONT, signal);
    return alive_;
  }

  // Runs on until it comes to that address for the n-th time; false at the end.
  bool run_to(std::uintptr_t there, std::uint32_t hits) {
    void* const at = reinterpret_cast<void*>(there);
    errno = 0;
    const long code = ::ptrace(PTRACE_PEEKTEXT, stepped_, at, nullptr);
    if (errno != 0) return false;
    constexpr long kBreak = 0xcc;
    for (;;) {
      ::ptrace(PTRACE_POKETEXT, stepped_, at, reinterpret_cast<void*>((code & ~0xffL) | kBreak));
      const bool hit = go(PTRACE_CONT) && address() == there + 1;
      if (!alive_) return false;
      ::ptrace(PTRACE_POKETEXT, stepped_, at, reinterpret_cast<void*>(code));
      if (!hit) return false;
      user_regs_struct registers{};
      ::ptrace(PTRACE_GETREGS, stepped_, nullptr, &registers);
      registers.rip = there;
      ::ptrace(PTRACE_SETREGS, stepped_, nullptr, &registers);
      if (--hits == 0) return true;
      if (!step()) return false;
    }
  }

 private:
  pid_t stopped() const {
    int status = 0;
    pid_t who = 0;
    do {
      who = ::waitpid(-1, &status, __WALL);
    } while (who < 0 && errno == EINTR);
    if (who < 0 || !WIFSTOPPED(status)) {
      throw std::runtime_error("the scene ended before it began: " + to_text(status));
    }
    return who;
  }

  bool go(int how, int signal = 0) {
    if (::ptrace(static_cast<__ptrace_request>(how), stepped_, nullptr, signal) != 0) return false;
    int status = 0;
    while (::waitpid(stepped_, &status, __WALL) < 0) {
      if (errno != EINTR) return alive_ = false;
    }
    if (!WIFSTOPPED(status)) return alive_ = false;
    return WSTOPSIG(status) == SIGTRAP;  // SIGSTOP: the end
  }

  pid_t process_ = 0;
  pid_t stepped_ = 0;
  bool alive_ = true;
};

}  // namespace

bool can_step() {
  return watched_by().empty();  // else hundreds of instructions for each of ours
}

Stepper::Stepper(const Scene& scene) : scene_(scene) {
  Tracee tracee(scene_);
  constexpr std::uint32_t kStepsOfAHit = 5;  // that cost as much
  std::unordered_map<std::uintptr_t, std::uint32_t> seen;
  std::uint32_t cost = 0;
  do {
    const std::size_t here = trace_.size();
    trace_.push_back(tracee.address());
    const std::uint32_t hits = ++seen[trace_.back()];
    if (here == 0 || hits * kStepsOfAHit <= cost + 1) {
      anchors_.push_back({here, hits});
      cost = hits * kStepsOfAHit;
    } else {
      anchors_.push_back(anchors_.back());
      ++cost;
    }
  } while (trace_.size() < kMostSteps && tracee.step());
}

namespace {

bool advance(Tracee& tracee, std::uintptr_t anchor, std::uint32_t hits, std::size_t steps) {
  if (hits > 0 && !tracee.run_to(anchor, hits)) return false;
  for (; steps > 0; --steps) {
    if (!tracee.step()) return false;
  }
  return true;
}

}  // namespace

bool Stepper::kill_at(std::size_t n) const {
  Tracee tracee(scene_);
  const Anchor a = anchors_[n];
  return advance(tracee, trace_[a.at], a.at > 0 ? a.hits : 0, n - a.at);
}

bool Stepper::interrupt_at(std::size_t n, int signal) const {
  Tracee tracee(scene_);
  const Anchor a = anchors_[n];
  return advance(tracee, trace_[a.at], a.at > 0 ? a.hits : 0, n - a.at) && tracee.interrupt(signal);
}

#else

bool can_step() { return false; }
Stepper::Stepper(const Scene& scene) : scene_(scene) {}
bool Stepper::kill_at(std::size_t) const { return false; }
bool Stepper::interrupt_at(std::size_t, int) const { return false; }

#endif

}  // namespace metrics::torture
