#include "tools/benchmark/growing.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <system_error>
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

// Only seven eighths are for families with many series.
Geometry room_for(const SeriesCounts& series, std::uint64_t added) {
  constexpr std::uint64_t kRecord = 256, kMore = 4096;
  const std::uint64_t cells = 2 * (series.counters + added) + 13 * series.histograms;
  const std::uint64_t records = (series.counters + series.histograms + added) * kRecord;
  return {16, 16, (cells + kMore) / 7 * 8, records / 7 * 8 + (1 << 20)};
}

// A process that registers everything in a segment, and has eight count in it.
class Registrant {
 public:
  Registrant(const std::string& path, const SeriesCounts& series, std::uint64_t added)
      : segment_(path, room_for(series, added)),
        requests_("http_requests_total", "Requests.", {"route"}, {.segment = segment_}),
        seconds_(
            "http_request_duration_seconds", "Time.", {"route"},
            {.bounds = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}, .segment = segment_}),
        added_(series.counters) {
    for (std::uint64_t i = 0; i < series.counters; ++i) all_.push_back(requests_.labels(route(i)));
    for (std::uint64_t i = 0; i < series.histograms; ++i) {
      times_.push_back(seconds_.labels(route(i)));
    }
    // All of them live until all have counted: a slot of one that has ended would be taken over.
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
  }
  void add() { requests_.labels(route(added_++)).inc(); }
  void remove() { requests_.remove(route(--added_)); }

 private:
  void count(int process) const {
    for (std::uint64_t i = 0; i < all_.size(); ++i) all_[i].inc(i % 1000);
    for (const Histogram& times : times_) {
      for (int k = 0; k < 20; ++k) times.observe(.003 * (k + process));
    }
  }

  const Segment segment_;
  const Family<Counter> requests_;
  const Family<Histogram> seconds_;
  std::vector<Counter> all_;
  std::vector<Histogram> times_;
  std::uint64_t added_;
};

// Makes a segment, and then follows orders until there are none.
void obey(const std::string& path, const SeriesCounts& series, int orders, int answers) {
  Registrant registrant(path, series, kMostAdded);
  answer(answers);
  for (Order order{}; ::read(orders, &order, sizeof order) == sizeof order;) {
    for (std::uint64_t i = 0; i < order.count; ++i) {
      order.what == '+' ? registrant.add() : registrant.remove();
    }
    answer(answers);
  }
}

std::string fresh_path() {
  static int made = 0;
  return "/dev/shm/metrics-growth-" + std::to_string(::getpid()) + '-' + std::to_string(++made);
}

}  // namespace

Growing::Growing(const SeriesCounts& series) : path_(fresh_path()) {
  int orders[2], answers[2];
  if (::pipe(orders) != 0 || ::pipe(answers) != 0) throw std::runtime_error("no pipe");
  process_ = ::fork();
  if (process_ < 0) throw std::runtime_error("no process");
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(orders[1]);
    ::close(answers[0]);
    obey(path_, series, orders[0], answers[1]);
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

// One process after the other makes a segment and ends, and those that have counted with it.
Scattered::Scattered(std::uint64_t segments, const SeriesCounts& series)
    : directory_(fresh_path() + '/') {
  std::filesystem::create_directory(directory_);
  for (std::uint64_t i = 0; i < segments; ++i) {
    const pid_t process = ::fork();
    if (process < 0) throw std::runtime_error("no process");
    if (process == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const Registrant registrant(directory_ + "shop" + std::to_string(i), series, 0);
      ::_exit(0);
    }
    int status = 0;
    if (::waitpid(process, &status, 0) != process || status != 0) {
      throw std::runtime_error("a segment could not be made");
    }
  }
}

Scattered::~Scattered() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace metrics::bench
