#include "tools/benchmark/growing.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <vector>

#include "metrics/metrics.hpp"

namespace metrics::bench {
namespace {

constexpr int kProcesses = 8;
constexpr std::uint64_t kMostAdded = 1 << 16;

struct Order {
  char what;
  std::uint64_t count;
};

std::string route(std::uint64_t i) {
  char text[32];
  std::snprintf(text, sizeof text, "/api/v1/orders/%05llx", static_cast<unsigned long long>(i));
  return text;
}

void answer(int to) {
  if (::write(to, "x", 1) != 1) ::_exit(1);
}

// Registers everything, has all processes count, and then follows orders until there are none.
void obey(const std::string& path, std::uint64_t counters, int orders, int answers) {
  const std::uint64_t histograms = counters / 10;
  constexpr std::uint64_t kRecord = 256;
  const Segment segment(path, {16, 16, 2 * (counters + kMostAdded) + 13 * histograms + 4096,
                               (counters + histograms + kMostAdded) * kRecord / 7 * 8 + (1 << 20)});
  const Family<Counter> requests("http_requests_total", "Requests.", {"route"},
                                 {.segment = segment});
  const Family<Histogram> seconds(
      "http_request_duration_seconds", "Time.", {"route"},
      {.bounds = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}, .segment = segment});
  std::vector<Counter> all;
  std::vector<Histogram> times;
  for (std::uint64_t i = 0; i < counters; ++i) all.push_back(requests.labels(route(i)));
  for (std::uint64_t i = 0; i < histograms; ++i) times.push_back(seconds.labels(route(i)));
  const auto count = [&](int process) {
    for (std::uint64_t i = 0; i < all.size(); ++i) all[i].inc(i % 1000);
    for (std::uint64_t i = 0; i < times.size(); ++i) {
      for (int k = 0; k < 20; ++k) times[i].observe(.003 * (k + process));
    }
  };
  for (int process = 1; process < kProcesses; ++process) {
    int told[2];
    if (::pipe(told) != 0) ::_exit(1);
    if (::fork() == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      count(process);
      answer(told[1]);
      for (;;) ::pause();
    }
    char byte;
    if (::read(told[0], &byte, 1) != 1) ::_exit(1);
    ::close(told[0]);
    ::close(told[1]);
  }
  count(0);
  answer(answers);
  std::uint64_t added = counters;
  for (Order order{}; ::read(orders, &order, sizeof order) == sizeof order;) {
    for (std::uint64_t i = 0; i < order.count; ++i) {
      if (order.what == '+') {
        requests.labels(route(added++)).inc();
      } else {
        requests.remove(route(--added));
      }
    }
    answer(answers);
  }
}

}  // namespace

Growing::Growing(std::uint64_t counters) {
  static int made = 0;
  path_ = "/dev/shm/metrics-growth-" + std::to_string(::getpid()) + '-' + std::to_string(++made);
  int orders[2], answers[2];
  if (::pipe(orders) != 0 || ::pipe(answers) != 0) throw std::runtime_error("no pipe");
  process_ = ::fork();
  if (process_ < 0) throw std::runtime_error("no process");
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(orders[1]);
    ::close(answers[0]);
    obey(path_, counters, orders[0], answers[1]);
    ::_exit(0);
  }
  ::close(orders[0]);
  ::close(answers[1]);
  orders_ = orders[1];
  answers_ = answers[0];
  char byte;
  if (::read(answers_, &byte, 1) != 1) throw std::runtime_error("the segment could not be made");
}

Growing::~Growing() {
  ::close(orders_);
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  ::close(answers_);
  ::unlink(file().c_str());
}

void Growing::ask(char what, std::uint64_t count) const {
  const Order order{what, count};
  char byte;
  if (::write(orders_, &order, sizeof order) != sizeof order || ::read(answers_, &byte, 1) != 1) {
    throw std::runtime_error("the process that counts has ended");
  }
}

}  // namespace metrics::bench
