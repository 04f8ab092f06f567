// ours_growth.cpp -- what a scrape of many series costs, as it is, and after some have come or
// gone. Arguments are COUNTERS, or COUNTERS/CHANGED; see growing.h.
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "aggregator/exposition/formats.h"
#include "aggregator/log.h"
#include "aggregator/scrape/scrape.h"
#include "tools/benchmark/growing.h"
#include "tools/benchmark/player.h"

namespace metrics::bench {
namespace {

std::shared_ptr<const Growing> growing(std::uint64_t counters) {
  static std::map<std::uint64_t, std::shared_ptr<const Growing>> made;
  auto& entry = made[counters];
  if (entry == nullptr) entry = std::make_shared<const Growing>(counters);
  return entry;
}

std::unique_ptr<scrape::Scrape> scraper(const Growing& of) {
  return std::make_unique<scrape::Scrape>(std::vector<std::string>{of.file()},
                                          reader::Access::kMapped);
}

std::size_t scraped(scrape::Scrape& scrape) {
  return scrape.exposition(exposition::formats().front(), scrape::Compression::kNone)->size();
}

struct Argument {
  explicit Argument(const std::string& text) {
    const std::size_t slash = text.find('/');
    counters = std::stoull(text);
    if (slash != std::string::npos) changed = std::stoull(text.substr(slash + 1));
  }
  std::uint64_t counters, changed = 0;
};

// Measures the CPU time of scrapes alone, each after `change`.
template <class Change>
Measurement scrapes_after(const std::string& text, Change change) {
  const Argument argument(text);
  const auto of = growing(argument.counters);
  const std::shared_ptr<scrape::Scrape> scrape = scraper(*of);
  scraped(*scrape);
  return [=](std::uint64_t count) {
    double sum = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      scraped(*scrape);  // takes in what other measurements have changed
      change(*of, *scrape, argument.changed);
      const double begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
      keep(scraped(*scrape));
      sum += clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    }
    return sum;
  };
}

// What the process has of its own by now, files that it maps left out.
std::uint64_t anonymous_bytes() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string line; std::getline(rollup, line);) {
    std::istringstream fields(line);
    std::string name;
    std::uint64_t kilobytes = 0;
    if (fields >> name >> kilobytes && name == "Anonymous:") return kilobytes * 1024;
  }
  throw std::runtime_error("/proc/self/smaps_rollup has no line Anonymous");
}

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

// Answers the bytes of memory that three scrapes have left in a program of their own, one of them
// after a change.
Measurement memory(const std::string& text) {
  const auto of = growing(Argument(text).counters);
  return [of](std::uint64_t count) {
    int told[2], asked[2];
    if (::pipe(told) != 0 || ::pipe(asked) != 0) throw std::runtime_error("no pipe");
    const std::string file = of->file();
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(asked[0], STDIN_FILENO);
      ::dup2(told[1], STDOUT_FILENO);
      ::close(asked[1]);
      ::execl("/proc/self/exe", "bench_growth", "remember", file.c_str(), nullptr);
      ::_exit(1);
    }
    ::close(told[1]);
    ::close(asked[0]);
    std::string answer;
    char byte;
    while (::read(told[0], &byte, 1) == 1) {
      if (byte == '\n' && answer == "scraped") {
        answer.clear();
        of->add(1);
        ::close(asked[1]);
      } else {
        answer += byte;
      }
    }
    ::close(told[0]);
    ::waitpid(child, nullptr, 0);
    return std::stod(answer) * static_cast<double>(count);
  };
}

Measurement first(const std::string& text) {
  const auto of = growing(Argument(text).counters);
  return [of](std::uint64_t count) {
    double sum = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto scrape = scraper(*of);
      const double begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
      keep(scraped(*scrape));
      sum += clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    }
    return sum;
  };
}

// Answers the size of the exposition, as if each operation took a nanosecond a byte.
Measurement text_bytes(const std::string& text) {
  const auto of = growing(Argument(text).counters);
  const auto bytes = static_cast<double>(scraped(*scraper(*of)));
  return [bytes](std::uint64_t count) { return bytes * static_cast<double>(count); };
}

}  // namespace
}  // namespace metrics::bench

int main(int argc, char** argv) {
  using namespace metrics::bench;
  metrics::aggregator::set_up_log("warn", metrics::aggregator::LogFormat::kLogfmt);
  if (argc == 3 && std::string(argv[1]) == "remember") return remember(argv[2]);
  using metrics::scrape::Scrape;
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
      {"first-*", first},
      {"memory-*", memory},
      {"text-bytes-*", text_bytes},
  };
  return play(argc, argv, {}, parametric);
}
