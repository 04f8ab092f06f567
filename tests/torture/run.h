// run.h -- one case of the fault suite while it runs: how long it may, what it has tried, what it
// has found.
//
// A case runs in a process of its own, so that its workers are that process's children, a crash of
// the case is a fault of the case, and nobody is left behind.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace metrics::torture {

using Clock = std::chrono::steady_clock;

// What watches the suite: a sanitizer that it is built with, "address" or "thread", or "valgrind",
// or nothing: "".
std::string_view watched_by();
inline constexpr std::string_view kAnyWatcher = "address thread valgrind";

class Run {
 public:
  Run(std::string name, double seconds, std::uint64_t seed, std::string directory);

  // Until the case's time is over.
  bool more() const { return Clock::now() < end_; }
  // True for the n-th part of the time that begins now: a case with several parts gives each its
  // share.
  Clock::time_point share(unsigned parts) const;
  double seconds() const { return seconds_; }

  // Everything random comes from here, so that the seed replays it (as far as the kernel's
  // scheduling allows).
  std::mt19937_64 random;
  std::uint64_t below(std::uint64_t n) { return random() % n; }

  // A directory in memory of the case's own, removed afterwards.
  const std::string& directory() const { return directory_; }
  // A name in it that nothing had before.
  std::string fresh_path();

  // What is printed at the end: how often what was tried, in the order of first mention.
  void count(std::string_view what, std::uint64_t n = 1);
  // Something that the guarantees exclude. Printed at once; a case goes on, but not beyond a few.
  void fault(const std::string& what);
  bool check(bool true_if_fine, const std::string& what);
  // Faults that a child has printed with its copy of this object.
  void also_faults(unsigned n) { faults_ += n; }
  unsigned faults() const { return faults_; }
  bool hopeless() const { return faults_ >= kMostFaults; }
  // This surrounding can't run (a part of) the case. Printed once.
  void skip(const std::string& why);
  // False, with a skip(), if the suite is watched by one of these.
  bool possible(const std::string& what, std::string_view not_watched_by);

  int finish();  // prints the counts; the exit code of the case's process

 private:
  static constexpr unsigned kMostFaults = 10;
  const std::string name_;
  const double seconds_;
  const std::uint64_t seed_;
  const std::string directory_;
  const Clock::time_point start_, end_;
  unsigned paths_ = 0;
  unsigned faults_ = 0;
  std::vector<std::string> skipped_;
  std::vector<std::pair<std::string, std::uint64_t>> counts_;
};

struct Case {
  const char* name;
  const char* promise;  // what has to hold
  void (*run)(Run&);
  bool only_by_name = false;  // it takes long, and is left out where no case is named
};

}  // namespace metrics::torture
