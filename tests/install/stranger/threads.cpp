// threads.cpp -- a stranger's program of many threads, built with ThreadSanitizer and linked with a
// library that is not. Threads register, count, end and pass their slots on to later ones; between
// rounds the program forks, and at the end it reads back. ThreadSanitizer must report nothing, and
// the counts must be right.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <metrics/metrics.hpp>
#include <thread>
#include <vector>

int main() {
  constexpr int kRounds = 20, kThreads = 8, kUpdates = 1000;
  const metrics::Family<metrics::Counter> calls{"calls_total", "Calls.", {"who"}};
  const metrics::Family<metrics::Counter> amount{"amount_total", "Amounts."};
  const metrics::Family<metrics::Gauge> load{
      "load", "Load.", {}, {.mode = metrics::Mode::kLiveSum}};
  const metrics::Family<metrics::Gauge> highest{
      "highest", "Highest.", {}, {.mode = metrics::Mode::kMax}};
  const metrics::Family<metrics::Histogram> seconds{"call_seconds", "Time."};
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i, round] {
        const metrics::Counter mine = calls.labels(i % 4 == 0 ? round : i);
        for (int n = 0; n < kUpdates; ++n) {
          mine.inc();
          amount.inc(0.5);
          load.inc(n % 2 == 0 ? 1 : -1);
          highest.set(n);
          seconds.observe(n * 1e-3);
        }
      });
    }
    for (auto& thread : threads) thread.join();
    const pid_t child = fork();
    if (child == 0) {
      amount.inc(0.5);
      _exit(0);
    }
    waitpid(child, nullptr, 0);
  }
  const double expected = 0.5 * kRounds * (kThreads * kUpdates + 1);
  if (amount.value() == expected &&
      seconds.count() == std::uint64_t{kRounds} * kThreads * kUpdates && load.value() == 0 &&
      highest.value() == kUpdates - 1) {
    return 0;
  }
  std::fprintf(stderr, "%g of %g, %llu, %g, %g\n", amount.value(), expected,
               static_cast<unsigned long long>(seconds.count()), load.value(), highest.value());
  return 1;
}
