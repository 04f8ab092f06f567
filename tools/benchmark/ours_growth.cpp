// ours_growth.cpp -- what a scrape of many series costs, as it is, and after some have come or
// gone, or in many segments; and what the inspector does. Arguments are COUNTERS, COUNTERS/CHANGED,
// HISTOGRAMS, or SEGMENTS/SERIES; see growing.h.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "aggregator/exposition/formats.h"
#include "aggregator/log.h"
#include "aggregator/scrape/memory.h"
#include "aggregator/scrape/scrape.h"
#include "libmetrics/reader/merge.h"
#include "libmetrics/reader/verify.h"
#include "tools/benchmark/growing.h"
#include "tools/benchmark/player.h"

namespace metrics::bench {
namespace {

// A tenth as many histograms as counters.
SeriesCounts mixed(std::uint64_t counters) { return {counters, counters / 10}; }

std::shared_ptr<const Growing> growing(const SeriesCounts& series) {
  static std::map<std::pair<std::uint64_t, std::uint64_t>, std::shared_ptr<const Growing>> made;
  auto& entry = made[{series.counters, series.histograms}];
  if (entry == nullptr) entry = std::make_shared<const Growing>(series);
  return entry;
}

std::unique_ptr<scrape::Scrape> scraper(const std::string& path) {
  return std::make_unique<scrape::Scrape>(std::vector<std::string>{path}, reader::Access::kMapped);
}

std::size_t scraped(scrape::Scrape& scrape) {
  return scrape.exposition(exposition::formats().front(), scrape::Compression::kNone)->size();
}

// FIRST or FIRST/SECOND.
struct Argument {
  explicit Argument(const std::string& text) {
    const std::size_t slash = text.find('/');
    first = std::stoull(text);
    if (slash != std::string::npos) second = std::stoull(text.substr(slash + 1));
  }
  std::uint64_t first, second = 0;
};

// Returns the CPU time of what `work` does.
template <class Work>
double cpu_ns(Work work) {
  const double begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  work();
  return clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
}

// Measures the CPU time of scrapes alone, each by a new aggregator.
Measurement first_scrapes(std::function<std::string()> path) {
  return [path](std::uint64_t count) {
    double sum = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto scrape = scraper(path());
      sum += cpu_ns([&] { keep(scraped(*scrape)); });
    }
    return sum;
  };
}

// Measures the CPU time of scrapes alone, each after `change`.
template <class Change>
Measurement scrapes_after(const std::string& text, Change change) {
  const Argument argument(text);
  const auto of = growing(mixed(argument.first));
  const std::shared_ptr<scrape::Scrape> scrape = scraper(of->file());
  scraped(*scrape);
  return [=](std::uint64_t count) {
    double sum = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      scraped(*scrape);  // takes in what other measurements have changed
      change(*of, *scrape, argument.second);
      sum += cpu_ns([&] { keep(scraped(*scrape)); });
    }
    return sum;
  };
}

// Makes a directory of FIRST segments with SECOND series each, nothing of which changes.
std::shared_ptr<const Scattered> scattered(const std::string& text) {
  static std::map<std::string, std::shared_ptr<const Scattered>> made;
  auto& entry = made[text];
  if (entry == nullptr) {
    const Argument argument(text);
    const SeriesCounts each = {argument.second * 9 / 10, argument.second / 10};
    entry = std::make_shared<const Scattered>(argument.first, each);
  }
  return entry;
}

Measurement steady_scrapes_of_many(const std::string& text) {
  const auto of = scattered(text);
  const std::shared_ptr<scrape::Scrape> scrape = scraper(of->directory());
  scraped(*scrape);
  return timed([of, scrape](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) keep(scraped(*scrape));
  });
}

// Returns what that line of a file in /proc/self says, in bytes.
std::uint64_t own_bytes(const char* file, const std::string& wanted) {
  std::ifstream lines(std::string("/proc/self/") + file);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string name;
    std::uint64_t kilobytes = 0;
    if (fields >> name >> kilobytes && name == wanted) return kilobytes * 1024;
  }
  throw std::runtime_error("/proc/self/" + std::string(file) + " has no line " + wanted);
}

// What the process has of its own by now, files that it maps left out.
std::uint64_t anonymous_bytes() { return own_bytes("smaps_rollup", "Anonymous:"); }

// Scrapes the file, says so, and scrapes it twice more once it is told to; then it tells the bytes
// of memory that this has left.
int remember(const std::string& file) {
  const std::uint64_t before = anonymous_bytes();
  scrape::Scrape scrape({file}, reader::Access::kMapped);
  scraped(scrape);
  std::cout << "scraped" << std::endl;
  std::string line;
  std::getline(std::cin, line);
  scraped(scrape);
  scraped(scrape);
  std::cout << anonymous_bytes() - before << std::endl;
  return 0;
}

// Verifies the file, and tells the most memory that this has taken.
int verify(const std::string& file) {
  const std::uint64_t before = own_bytes("status", "VmRSS:");
  reader::Reader reader(file);
  if (!reader::verify(reader).empty()) return 1;
  std::cout << own_bytes("status", "VmHWM:") - before << std::endl;
  return 0;
}

// Runs this program with such arguments, and returns the number that it tells. Calls `scraped` when
// it has said that, and goes on then.
double told_by_another(const char* what, const std::string& file,
                       const std::function<void()>& scraped = {}) {
  int told[2], asked[2];
  if (::pipe(told) != 0 || ::pipe(asked) != 0) throw std::runtime_error("no pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(asked[0], STDIN_FILENO);
    ::dup2(told[1], STDOUT_FILENO);
    ::close(asked[1]);
    ::execl("/proc/self/exe", "bench_growth", what, file.c_str(), nullptr);
    ::_exit(1);
  }
  ::close(told[1]);
  ::close(asked[0]);
  std::string answer;
  char byte;
  while (::read(told[0], &byte, 1) == 1) {
    if (byte == '\n' && answer == "scraped") {
      answer.clear();
      scraped();
      ::close(asked[1]);
    } else {
      answer += byte;
    }
  }
  ::close(told[0]);
  if (!scraped) ::close(asked[1]);
  ::waitpid(child, nullptr, 0);
  return std::stod(answer);
}

// Answers the bytes of memory that three scrapes have left in a program of their own, one of them
// after a change.
Measurement memory(const SeriesCounts& series) {
  const auto of = growing(series);
  return [of](std::uint64_t count) {
    return told_by_another("remember", of->file(), [&] { of->add(1); }) *
           static_cast<double>(count);
  };
}

// Answers a size, as if each operation took a nanosecond a byte.
Measurement bytes(std::size_t size) {
  return [size](std::uint64_t count) {
    return static_cast<double>(size) * static_cast<double>(count);
  };
}

Measurement text_bytes(const SeriesCounts& series) {
  return bytes(scraped(*scraper(growing(series)->file())));
}

Measurement directory_bytes(const SeriesCounts& series) {
  reader::Reader reader(growing(series)->file());
  if (!reader.look_at_header()) throw std::runtime_error(reader.why());
  return bytes(reader.copy_bytes());
}

// Measures the CPU time of `metrics-inspect ls`, as a program of its own.
Measurement ls(const SeriesCounts& series) {
  const auto of = growing(series);
  return [of](std::uint64_t count) {
    posix_spawn_file_actions_t silently;
    ::posix_spawn_file_actions_init(&silently);
    ::posix_spawn_file_actions_addopen(&silently, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    const std::string file = of->file();
    double sum = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      // Not by fork(): the child would pay for giving up the memory of this program.
      pid_t child = -1;
      const char* const arguments[] = {"metrics-inspect", "ls", "--segment", file.c_str(), nullptr};
      if (::posix_spawn(&child, BENCH_INSPECT, &silently, nullptr,
                        const_cast<char* const*>(arguments), environ) != 0) {
        throw std::runtime_error("metrics-inspect can't be started");
      }
      int status = 0;
      rusage used{};
      if (::wait4(child, &status, 0, &used) != child || status != 0) {
        throw std::runtime_error("metrics-inspect ls failed");
      }
      for (const timeval& time : {used.ru_utime, used.ru_stime}) {
        sum += static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_usec) * 1e3;
      }
    }
    ::posix_spawn_file_actions_destroy(&silently);
    return sum;
  };
}

// Measures what a first scrape does before it prints, and a verification.
Measurement reading(const SeriesCounts& series) {
  const auto of = growing(series);
  return [of](std::uint64_t count) {
    double sum = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      reader::SegmentMerge merge(of->file(), reader::Access::kMapped);
      sum += cpu_ns([&] {
        if (!merge.read()) throw std::runtime_error(merge.why());
      });
    }
    return sum;
  };
}

Measurement verification(const SeriesCounts& series) {
  const auto of = growing(series);
  return timed([of](std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      reader::Reader reader(of->file());
      if (!reader::verify(reader).empty()) throw std::runtime_error("the segment has faults");
    }
  });
}

}  // namespace
}  // namespace metrics::bench

int main(int argc, char** argv) {
  using namespace metrics::bench;
  metrics::aggregator::set_up_log("warn", metrics::aggregator::LogFormat::kLogfmt);
  metrics::scrape::set_up_memory();
  if (argc == 3 && std::string(argv[1]) == "remember") return remember(argv[2]);
  if (argc == 3 && std::string(argv[1]) == "verify") return verify(argv[2]);
  using metrics::scrape::Scrape;
  const auto of_mixed = [](Measurement (*make)(const SeriesCounts&)) {
    return [make](const std::string& text) { return make(mixed(Argument(text).first)); };
  };
  const auto of_histograms = [](Measurement (*make)(const SeriesCounts&)) {
    return [make](const std::string& text) { return make(SeriesCounts{0, Argument(text).first}); };
  };
  const Parametric parametric = {
      {"steady-*",
       [](const std::string& text) {
         return scrapes_after(text, [](const Growing&, Scrape&, std::uint64_t) {});
       }},
      {"added-*",
       [](const std::string& text) {
         return scrapes_after(
             text, [](const Growing& of, Scrape&, std::uint64_t changed) { of.add(changed); });
       }},
      {"removed-*",
       [](const std::string& text) {
         return scrapes_after(text, [](const Growing& of, Scrape& scrape, std::uint64_t changed) {
           of.add(changed);
           scraped(scrape);
           of.remove(changed);
         });
       }},
      {"first-*",
       [](const std::string& text) {
         const auto of = growing(mixed(Argument(text).first));
         return first_scrapes([of] { return of->file(); });
       }},
      {"memory-*", of_mixed(memory)},
      {"text-bytes-*", of_mixed(text_bytes)},
      {"histograms-memory-*", of_histograms(memory)},
      {"histograms-text-bytes-*", of_histograms(text_bytes)},
      {"ls-*", of_mixed(ls)},
      {"reading-*", of_mixed(reading)},
      {"verify-*", of_mixed(verification)},
      {"peak-of-verify-*",
       [](const std::string& text) -> Measurement {
         const auto of = growing(mixed(Argument(text).first));
         return [of](std::uint64_t count) {
           return told_by_another("verify", of->file()) * static_cast<double>(count);
         };
       }},
      {"directory-bytes-*", of_mixed(directory_bytes)},
      {"segments-steady-*", steady_scrapes_of_many},
      {"segments-first-*",
       [](const std::string& text) {
         const auto of = scattered(text);
         return first_scrapes([of] { return of->directory(); });
       }},
  };
  return play(argc, argv, {}, parametric);
}
