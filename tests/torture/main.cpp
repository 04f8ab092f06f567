// main.cpp -- torture [--seconds N] [--seed N] [--list] [case ...]: runs the cases of the fault
// suite, each in a process of its own, N seconds each as far as a case can fill them.
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "metrics/metrics.h"
#include "tests/torture/cases.h"
#include "tests/torture/processes.h"

namespace {

using namespace metrics::torture;

constexpr Case kCases[] = {
    {"kills", "what is acknowledged survives SIGKILL at any moment, once", kill_at_random},
    {"creation", "a segment appears complete or not at all", kill_while_created},
    {"steps", "what is acknowledged survives SIGKILL at every instruction of the critical paths",
     kill_at_instructions},
    {"forks", "every kind of child is counted, exactly, without a hook", fork_in_all_forms},
    {"damage", "no bytes in a segment harm its readers", damaged_segments},
    {"liveness", "a living worker's slot is never adopted, a dead one's is, with its memory gone",
     who_is_alive},
    {"space", "a lack of space harms no worker, and is reported", space_runs_out},
    {"order", "no scrape shows less than one before it, or what nobody wrote", scrapes_in_order},
    {"releases", "a metric's definition may change: nothing is lost, and no sample goes down",
     released_under_load},
    {"removal",
     "no count shows in another life of a series, none of a living one is lost, and what removed "
     "ones have taken is used again",
     removed_and_made_anew},
    {"signals", "handlers, threads and ends of processes lose nothing", signals_and_threads},
    {"edges", "memory, keys and locks that can't be had cost no update", edges_of_a_process},
    {"strangers",
     "no file beside a segment hides it, or makes it cost what that file does not hold",
     served_beside_strangers},
    {"attack", "the aggregator answers, completely or with a clean error", aggregator_under_attack},
    {"siege",
     "whatever clients and strangers do at once, scrapes are answered, and updates are fast",
     everything_at_once},
    {"churn",
     "a thousand new series a second, and as many removed: scrapes show what lives, and neither "
     "they nor memory grow",
     label_sets_come_and_go},
    {"exemplars", "no exemplar is torn, by SIGKILL or a handler (only by name: 10,000 kills)",
     kill_while_exemplars_are_stored, true},
};

[[noreturn]] void usage(const char* why, const char* what) {
  std::fprintf(stderr,
               "torture: %s%s; usage: torture [--seconds N] [--seed N] [--list] [case ...]\n", why,
               what);
  std::exit(2);
}

// Whoever a case has left behind, its process being gone: they are ours now, as the subreaper.
void reap_orphans() {
  for (;;) {
    siginfo_t info{};
    // Their own PDEATHSIG has killed them already; one that has none is named by pid and killed
    // here.
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) break;
  }
}

// Replaces the last line on a terminal; an empty text clears it. Elsewhere prints nothing.
void show_progress(const std::string& text) {
  if (::isatty(STDERR_FILENO) == 0) return;
  std::fprintf(stderr, "\r%s\x1b[K", text.c_str());
  std::fflush(stderr);
}

// False if the case has found faults, or did not come to an end.
bool run_case(const Case& c, double seconds, std::uint64_t seed) {
  std::printf("%s: %s\n", c.name, c.promise);
  std::fflush(stdout);
  std::string directory = "/dev/shm/metrics-torture-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) {
    std::perror("torture: can't make a directory in /dev/shm");
    return false;
  }
  const pid_t pid = start([&] {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    Run run(c.name, seconds, seed, directory);
    c.run(run);
    const int code = run.finish();
    std::fflush(nullptr);
    ::_exit(code);
  });
  constexpr double kPatience = 4;  // times its own time, for slow machines and sanitizers
  const auto at_most =
      std::chrono::milliseconds(static_cast<long>((seconds * kPatience + 120) * 1000));
  const auto status = wait_for(pid, at_most);
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  reap_orphans();
  if (status && (*status == 0 || (WIFEXITED(*status) && WEXITSTATUS(*status) == 1))) {
    return *status == 0;
  }
  std::printf(
      "  FAULT: the case itself ended by %s\n         replay: tools/torture --seconds %g --seed "
      "%llu %s\n",
      to_text(status).c_str(), seconds, static_cast<unsigned long long>(seed), c.name);
  return false;
}

}  // namespace

// Children leave in the middle of things, by design.
extern "C" [[gnu::visibility("default")]] const char* __asan_default_options() {
  return "detect_leaks=0";
}
extern "C" [[gnu::visibility("default")]] const char* __tsan_default_options() {
  return "halt_on_error=1:die_after_fork=0";
}

int main(int argc, char** argv) {
  double seconds = 10;
  std::uint64_t seed = static_cast<std::uint64_t>(::getpid()) * 1'000'003u +
                       static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
  seed %= 1'000'000;
  std::vector<const Case*> chosen;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool takes_number = argument == "--seconds" || argument == "--seed";
    if (takes_number && i + 1 == argc) usage("no number behind ", argv[i]);
    if (argument == "--seconds") {
      seconds = std::atof(argv[++i]);
      if (!(seconds > 0)) usage("not a number of seconds: ", argv[i]);
    } else if (argument == "--seed") {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (argument == "--list") {
      for (const Case& c : kCases) std::printf("%-12s %s\n", c.name, c.promise);
      return 0;
    } else {
      const auto* found = std::find_if(std::begin(kCases), std::end(kCases),
                                       [&](const Case& c) { return argument == c.name; });
      if (found == std::end(kCases)) usage("no such case: ", argv[i]);
      chosen.push_back(found);
    }
  }
  if (chosen.empty()) {
    for (const Case& c : kCases) {
      if (!c.only_by_name) chosen.push_back(&c);
    }
  }
  for (const char* variable : {"METRICS_SEGMENT", "METRICS_GROUP", "METRICS_PROCESSES",
                               "METRICS_THREADS", "METRICS_CELLS", "METRICS_DIRECTORY_BYTES"}) {
    ::unsetenv(variable);
  }
  metrics_set_log(nullptr, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::size_t faults = 0;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    show_progress(
        "case " + std::to_string(i + 1) + " of " + std::to_string(chosen.size()) + ", some " +
        std::to_string(static_cast<long>(seconds * static_cast<double>(chosen.size() - i))) +
        " s to go; now ");
    faults += run_case(*chosen[i], seconds, seed) ? 0 : 1;
  }
  if (::isatty(STDOUT_FILENO) == 0) show_progress("");
  std::printf("%zu cases, %zu faults\n", chosen.size(), faults);
  return faults == 0 ? 0 : 1;
}
