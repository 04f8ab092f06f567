// ours_removal.cpp -- the cost of removing series and making them again, after many rounds of that.
//
// A measurement's argument is SETS-METRIC[-beside]@ROUNDS. Each round removes the series of the
// round before and makes SETS: `one`, the same label set; `hundred`, the same hundred label sets;
// `new`, a label set that was not there before. METRIC: counter, gauge, histogram, info, or `abi`,
// a counter through the C ABI. beside: three other processes have looked up the first series and do
// nothing but update them. So many ROUNDS go ahead.
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "libmetrics/reader/reader.h"
#include "metrics/metrics.hpp"
#include "tools/benchmark/player.h"

namespace metrics::bench {
namespace {

struct Setting {
  explicit Setting(const std::string& argument) {
    const std::size_t at = argument.find('@');
    if (at == std::string::npos) throw std::runtime_error("how many rounds?");
    rounds = std::stoull(argument.substr(at + 1));
    std::string words = argument.substr(0, at);
    beside = words.ends_with("-beside");
    if (beside) words.resize(words.size() - std::string("-beside").size());
    const std::size_t dash = words.find('-');
    const std::string name = words.substr(0, dash);
    metric = words.substr(dash + 1);
    is_new = name == "new";
    sets = name == "hundred" ? 100 : 1;
  }
  std::uint64_t rounds;
  std::string metric;
  bool beside, is_new;
  unsigned sets;
};

class Rounds {
 public:
  explicit Rounds(const Setting& setting)
      : setting_(setting),
        path_("/dev/shm/metrics-bench-removal-" + std::to_string(::getpid()) + '-' +
              std::to_string(++made_)),
        segment_(path_),
        counter_("removal_total", "", {"key"}, {.segment = segment_}),
        gauge_("removal_size", "", {"key"}, {.mode = Mode::kLiveSum, .segment = segment_}),
        histogram_("removal_seconds", "", {"key"}, {.segment = segment_}),
        info_("removal_facts", "", {.segment = segment_}) {
    play();
    for (int i = 0; setting.beside && i < 3; ++i) workers_.push_back(started());
  }
  ~Rounds() {
    for (const pid_t worker : workers_) {
      ::kill(worker, SIGKILL);
      ::waitpid(worker, nullptr, 0);
    }
    ::unlink((path_ + ".v2").c_str());
  }
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;

  void play() {
    ++round_;
    if (setting_.sets > 1 || setting_.metric == "info") {
      clear();
    } else {
      remove(key(round_ - 1, 0));
    }
    for (unsigned i = 0; i < setting_.sets; ++i) make(key(round_, i));
  }
  void play_to(std::uint64_t round) {
    while (round_ < round) play();
  }
  std::uint64_t directory_used() const {
    reader::Reader reader(path_ + ".v2");
    if (!reader.look()) throw std::runtime_error(reader.why());
    return reader.usage().directory_used;
  }

 private:
  std::string key(std::uint64_t round, unsigned i) const {
    return std::to_string(setting_.is_new ? round : i);
  }
  void clear() const {
    if (setting_.metric == "counter") counter_.clear();
    if (setting_.metric == "gauge") gauge_.clear();
    if (setting_.metric == "histogram") histogram_.clear();
    if (setting_.metric == "info") info_.clear();
  }
  void remove(const std::string& key) {
    if (setting_.metric == "counter") counter_.remove(key);
    if (setting_.metric == "gauge") gauge_.remove(key);
    if (setting_.metric == "histogram") histogram_.remove(key);
    if (setting_.metric == "abi") {
      const char* values[] = {key.c_str()};
      metrics_remove(abi(), values, 1);
    }
  }
  void make(const std::string& key) {
    if (setting_.metric == "counter") counter_.labels(key).inc(round_);
    if (setting_.metric == "gauge") gauge_.labels(key).set(static_cast<double>(round_));
    if (setting_.metric == "histogram") histogram_.labels(key).observe(1);
    if (setting_.metric == "info") info_.state({{"key", key}});
    if (setting_.metric == "abi") {
      const char* values[] = {key.c_str()};
      metrics_counter* counter = nullptr;
      metrics_counter_labels(abi(), values, 1, &counter);
      metrics_counter_inc(counter, round_);
    }
  }
  metrics_family* abi() {
    const char* labels[] = {"key"};
    if (abi_ == nullptr) {
      metrics_family_of(segment_.get(), METRICS_COUNTER, "abi_total", "", labels, 1, nullptr,
                        &abi_);
    }
    return abi_;
  }

  // A worker that looks up the series of now, and then only updates them.
  pid_t started() {
    int told[2];
    if (::pipe(told) != 0) throw std::runtime_error("no pipe");
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (unsigned i = 0; i < setting_.sets; ++i) make(key(round_, i));
      const Counter counter = counter_.labels(key(round_, 0));
      [[maybe_unused]] const auto sent = ::write(told[1], "x", 1);
      for (;; ::poll(nullptr, 0, 1)) counter.inc();
    }
    char byte = 0;
    const bool begun = ::read(told[0], &byte, 1) == 1;
    ::close(told[0]);
    ::close(told[1]);
    if (!begun) throw std::runtime_error("a worker ended");
    return child;
  }

  static inline unsigned made_ = 0;
  const Setting setting_;
  const std::string path_;
  Segment segment_;
  Family<Counter> counter_;
  Family<Gauge> gauge_;
  Family<Histogram> histogram_;
  Family<Info> info_;
  metrics_family* abi_ = nullptr;
  std::uint64_t round_ = 0;
  std::vector<pid_t> workers_;
};

Measurement round_time(const std::string& argument) {
  const Setting setting(argument);
  auto rounds = std::make_shared<Rounds>(setting);
  rounds->play_to(setting.rounds);
  return timed([rounds](std::uint64_t count) {
    for (; count > 0; --count) rounds->play();
  });
}

// Answer what a round adds, in bytes, after the first tenth of the rounds.
Measurement growth(const std::string& argument, std::uint64_t (*of)(const Rounds&)) {
  return [=](std::uint64_t) {
    const Setting setting(argument);
    Rounds rounds(setting);
    rounds.play_to(setting.rounds / 10);
    const std::uint64_t before = of(rounds);
    rounds.play_to(setting.rounds);
    const auto grown = static_cast<double>(of(rounds)) - static_cast<double>(before);
    return grown / (static_cast<double>(setting.rounds) * 0.9);
  };
}
Measurement memory_growth(const std::string& argument) {
  return growth(argument, [](const Rounds&) { return std::uint64_t{::mallinfo2().uordblks}; });
}
Measurement directory_growth(const std::string& argument) {
  return growth(argument, [](const Rounds& rounds) { return rounds.directory_used(); });
}

}  // namespace
}  // namespace metrics::bench

int main(int argc, char** argv) {
  using namespace metrics::bench;
  return play(
      argc, argv, {},
      {{"round-*", round_time}, {"memory-*", memory_growth}, {"directory-*", directory_growth}});
}
