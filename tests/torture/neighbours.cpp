// neighbours.cpp -- files of strangers in the directory of a segment that is counted in all the
// while: each scrape has exactly what was acknowledged.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <filesystem>

#include "tests/aggregator/http/client.h"
#include "tests/support/gate.h"
#include "tests/support/shared_memory.h"
#include "tests/torture/cases.h"
#include "tests/torture/daemon.h"
#include "tests/torture/exposition.h"
#include "tests/torture/program.h"
#include "tests/torture/strangers.h"

namespace metrics::torture {
namespace {

namespace fs = std::filesystem;

// The usual limit of a service's open files, which strangers' files must not use up.
void limit_open_files() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(1024, files.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &files);
}

// A writer of a sound segment, and what it has begun and acknowledged.
class Sound {
 public:
  explicit Sound(const std::string& path)
      : path_(path), begun_(test::shared<Count>()), done_(test::shared<Count>()) {
    test::Gate up;
    pid_ = start([&] {
      Program program(path, test::shared<Tally>());
      for (;; ++done_) {
        ++begun_;
        program.counter.inc();
        if (done_ == 0) up.let_pass();
      }
    });
    must(up.try_pass(), "no worker");
  }
  Sound(const Sound&) = delete;
  Sound& operator=(const Sound&) = delete;
  ~Sound() { kill_and_reap(pid_); }

  // Scrapes, and compares with what is acknowledged. Returns how long it took.
  Clock::duration scraped(Run& run, const Daemon& daemon, const std::string& beside) const {
    const std::uint64_t done = done_;
    const auto begin = Clock::now();
    const test::Answer answer = test::get(daemon.port(), "/metrics");
    const auto taken = Clock::now() - begin;
    const std::uint64_t begun = begun_;
    if (!run.check(answer.status == 200 && answer.whole, beside + ": no answer")) return taken;
    const double shown = answer.body.size() < kReadable
                             ? Exposition(answer.body).value("c_total{segment=\"" + path_ + "\"}")
                             : shown_in(answer.body);
    run.check(static_cast<double>(done) <= shown && shown <= static_cast<double>(begun),
              beside + ": " + std::to_string(done) + " are acknowledged and " +
                  std::to_string(begun) + " begun, a scrape shows " + std::to_string(shown));
    return taken;
  }

 private:
  using Count = std::atomic<std::uint64_t>;
  // A strict reading of more takes longer than the scrape.
  static constexpr std::size_t kReadable = 4 << 20;

  double shown_in(const std::string& body) const {
    const std::string sample = "\nc_total{segment=\"" + path_ + "\"} ";
    const std::size_t at = body.find(sample);
    return at == std::string::npos ? -1 : std::strtod(body.c_str() + at + sample.size(), nullptr);
  }

  const std::string path_;
  Count& begun_;
  Count& done_;
  pid_t pid_;
};

// Returns the slowest of some scrapes, the first one included.
Clock::duration slowest(Run& run, const Daemon& daemon, const Sound& sound,
                        const std::string& beside) {
  constexpr int kScrapes = 8;
  Clock::duration slowest{};
  const unsigned faults = run.faults();
  for (int i = 0; i < kScrapes && run.faults() == faults; ++i) {
    slowest = std::max(slowest, sound.scraped(run, daemon, beside));
  }
  return slowest;
}

void beside(Run& run, const Strangers& strangers) {
  const std::string directory = run.fresh_path();
  fs::create_directory(directory);
  const Sound sound(directory + "/sound");
  const Daemon daemon({directory});
  const Clock::duration alone = slowest(run, daemon, sound, "alone");
  const std::uint64_t alone_kb = daemon.most_resident_kb();
  strangers.make(directory);
  std::uint64_t files = 0, bytes = 0;
  for (const auto& entry : fs::directory_iterator(directory)) {
    struct stat info {};
    ::stat(entry.path().c_str(), &info);
    ++files;
    bytes += format::space_taken(info);
  }
  const Clock::duration with = slowest(run, daemon, sound, strangers.what);
  const auto us = [](Clock::duration d) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(d).count());
  };
  const std::string what = std::string(strangers.what) + ": ";
  run.count(what + "files, the sound segment's included", files);
  run.count("  " + what + "kB on disk", bytes / 1024);
  run.count("  " + what + "µs of the slowest scrape", us(with));
  run.count("  " + what + "µs of the slowest scrape before", us(alone));
  run.count("  " + what + "kB of memory that the aggregator took at most",
            daemon.most_resident_kb());
  run.count("  " + what + "kB before", alone_kb);
  fs::remove_all(directory);
}

}  // namespace

void served_beside_strangers(Run& run) {
  if (!run.possible("civetweb", "thread")) return;  // it is not instrumented
  limit_open_files();
  for (const Strangers& strangers : all_strangers()) {
    if (!run.hopeless()) beside(run, strangers);
  }
}

}  // namespace metrics::torture
