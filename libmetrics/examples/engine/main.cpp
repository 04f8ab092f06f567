// main.cpp -- a workflow engine on prefork, like bamboo-engine. One scrape shows the metrics of all
// its workers.
//
//   engine [--seconds N] [--pipelines N] [--workers N] [--threads N] [--messages N] [PATH]
//
// Counts the words of the files under PATH (/usr/share), compresses and verifies them, with a
// pipeline for each file. Runs --workers processes (2) of --threads threads (2), and replaces each
// worker after --messages messages a thread (200), or when it dies. Ends after --seconds or
// --pipelines, if these are given, or by SIGINT or SIGTERM; pipelines that were begun run to their
// end.
//
// Counts in $METRICS_SEGMENT, else in the user's default segment, which metrics-aggregator serves.
// Prints, with tabs, `started PID`, `exited PID` and `killed PID THREADS` as workers come and go.
// At the end it prints `counted SAMPLE TYPE COUNT` for each series: how often workers recorded it.
// A thread that is killed may have recorded one more.
//
// The code about metrics is in worker.cpp, handlers.cpp, and timed() in runtime.cpp. This file only
// makes the engine's metrics before the first fork.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <limits>
#include <map>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "libmetrics/examples/engine/services.h"
#include "libmetrics/examples/engine/worker.h"

namespace example {
namespace {

namespace fs = std::filesystem;

struct Flags {
  std::map<std::string, std::uint64_t> numbers = {{"--seconds", 0},
                                                  {"--pipelines", 0},
                                                  {"--workers", 2},
                                                  {"--threads", 2},
                                                  {"--messages", 200}};
  std::string path = "/usr/share";
};

Flags parse(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto number = flags.numbers.find(argument);
    if (number == flags.numbers.end()) {
      if (argument.starts_with('-')) throw std::invalid_argument("there is no " + argument);
      flags.path = argument;
    } else {
      const std::string value = i + 1 < argc ? argv[++i] : "";
      if (value.empty() || value.find_first_not_of("0123456789") != value.npos) {
        throw std::invalid_argument(argument + " needs a whole number");
      }
      number->second = std::stoull(value);
    }
  }
  for (const char* name : {"--workers", "--threads", "--messages"}) {
    if (flags.numbers.at(name) == 0) throw std::invalid_argument(std::string(name) + " is 0");
  }
  return flags;
}

std::vector<std::string> files_under(const std::string& path) {
  std::vector<std::string> files;
  const auto options = fs::directory_options::skip_permission_denied;
  for (const auto& entry : fs::recursive_directory_iterator(path, options)) {
    std::error_code unknown;
    if (!entry.is_regular_file(unknown)) continue;
    if (entry.path().native().find('\n') == std::string::npos) files.push_back(entry.path());
  }
  if (files.empty()) throw std::runtime_error("no files under " + path);
  std::sort(files.begin(), files.end());
  return files;
}

// The directory in which pipelines keep their files. The parent's destructor removes it.
class Workshop {
 public:
  Workshop() : path_(fs::temp_directory_path() / "engine-XXXXXX") {
    std::string name = path_;
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), "mkdtemp " + name);
    }
    path_ = name;
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;
  ~Workshop() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

Progression& shared_progression() {
  void* const memory = ::mmap(nullptr, sizeof(Progression), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  return *new (memory) Progression();
}

constexpr int kReplaceMe = 3;  // a worker's exit status

// Runs a worker, in the child.
[[noreturn]] void work(Plant& plant, std::uint64_t threads, std::uint64_t messages) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::atomic<bool> more{false};
  std::vector<std::thread> running;
  for (std::uint64_t i = 0; i < threads; ++i) {
    running.emplace_back([&] {
      if (Worker(plant).run(messages)) more = true;
    });
  }
  for (std::thread& thread : running) thread.join();
  ::_exit(more ? kReplaceMe : 0);  // no destructor, no exit handler: metrics need none
}

class Parent {
 public:
  Parent(Plant& plant, const Flags& flags) : plant_(plant), flags_(flags) {
    sigemptyset(&awaited_);
    for (const int signal : {SIGCHLD, SIGINT, SIGTERM}) sigaddset(&awaited_, signal);
    ::sigprocmask(SIG_BLOCK, &awaited_, nullptr);
  }

  void run() {
    const std::time_t seconds = static_cast<std::time_t>(flags_.numbers.at("--seconds"));
    const std::time_t end = seconds > 0 ? now() + seconds : std::numeric_limits<std::time_t>::max();
    for (std::uint64_t i = 0; i < flags_.numbers.at("--workers"); ++i) start();
    while (!workers_.empty()) {
      const bool stopping = plant_.progression.stop.load(std::memory_order_relaxed);
      const timespec patience{stopping ? 1 : std::clamp<std::time_t>(end - now(), 0, 1), 0};
      const int signal = ::sigtimedwait(&awaited_, nullptr, &patience);
      if (signal == SIGINT || signal == SIGTERM || now() >= end) {
        plant_.progression.stop.store(true, std::memory_order_relaxed);
      }
      int status = 0;
      for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) take_leave(pid, status);
    }
  }

 private:
  static std::time_t now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
  }

  void start() {
    std::fflush(stdout);
    const pid_t pid = ::fork();
    if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid == 0) work(plant_, flags_.numbers.at("--threads"), flags_.numbers.at("--messages"));
    workers_.insert(pid);
    std::printf("started\t%d\n", pid);
    std::fflush(stdout);
  }

  void take_leave(pid_t pid, int status) {
    workers_.erase(pid);
    const bool killed = WIFSIGNALED(status);
    if (killed) {
      std::printf("killed\t%d\t%ju\n", pid, std::uintmax_t{flags_.numbers.at("--threads")});
    } else {
      std::printf("exited\t%d\n", pid);
    }
    std::fflush(stdout);
    if (killed || WEXITSTATUS(status) == kReplaceMe) start();
  }

  Plant& plant_;
  const Flags& flags_;
  sigset_t awaited_;
  std::set<pid_t> workers_;
};

int run(const Flags& flags) {
  const bamboo::Engine engine;
  std::vector<bamboo::Node> nodes;
  for (std::size_t i = 0; i < kNodes.size(); ++i) {
    nodes.push_back(engine.node(node_type_of(static_cast<NodeId>(i))));
  }
  const Workshop workshop;
  Ledger ledger;
  Queue queue;
  Runtime runtime(engine, ledger, workshop.path());
  const std::uint64_t pipelines = flags.numbers.at("--pipelines");
  Plant plant{engine,
              nodes,
              ledger,
              queue,
              runtime,
              shared_progression(),
              files_under(flags.path),
              pipelines > 0 ? pipelines : std::numeric_limits<std::uint64_t>::max()};
  Parent(plant, flags).run();
  ledger.print();
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace example

int main(int argc, char** argv) try {
  return example::run(example::parse(argc, argv));
} catch (const std::invalid_argument& e) {
  std::fprintf(stderr, "engine: %s; see the top of main.cpp\n", e.what());
  return 2;
} catch (const std::exception& e) {
  std::fprintf(stderr, "engine: %s\n", e.what());
  return 1;
}
