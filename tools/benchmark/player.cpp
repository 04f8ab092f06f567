#include "tools/benchmark/player.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <exception>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace metrics::bench {
namespace {

// Moves the calling thread to the CPU, even if the driver has confined this process to another one.
void move_to_cpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

void need_two_cpus() {
  if (::sysconf(_SC_NPROCESSORS_ONLN) < 2) throw std::runtime_error("needs two CPUs");
}

std::string answer(const Measurements& measurements, const Parametric& parametric,
                   const std::string& line) {
  std::istringstream words(line);
  std::string name;
  std::uint64_t count = 0;
  words >> name >> count;
  static Measurements made;  // from parametric ones
  try {
    if (const auto fixed = measurements.find(name); fixed != measurements.end()) {
      return std::to_string(fixed->second(count));
    }
    auto found = made.find(name);
    for (auto p = parametric.begin(); found == made.end() && p != parametric.end(); ++p) {
      const std::string prefix = p->first.substr(0, p->first.size() - 1);
      if (name.starts_with(prefix)) {
        found = made.emplace(name, p->second(name.substr(prefix.size()))).first;
      }
    }
    if (found == made.end()) return "error no such measurement";
    return std::to_string(found->second(count));
  } catch (const std::exception& e) {
    return std::string("error ") + e.what();
  }
}

}  // namespace

Measurement timed_twice(std::function<void(std::uint64_t)> work) {
  return [work](std::uint64_t count) {
    need_two_cpus();
    std::atomic<int> ready{0};
    std::array<double, 2> spent{};
    const auto run = [&](int cpu) {
      move_to_cpu(cpu);
      work(1);
      ready.fetch_add(1, std::memory_order_acq_rel);
      while (ready.load(std::memory_order_acquire) < 2) {
      }
      const double begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
      work(count);
      spent[static_cast<std::size_t>(cpu)] = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    };
    std::thread a(run, 0);
    std::thread b(run, 1);
    a.join();
    b.join();
    return (spent[0] + spent[1]) / 2;
  };
}

Measurement timed_beside(std::function<void(std::uint64_t)> work, std::function<void()> beside) {
  return [work, beside](std::uint64_t count) {
    need_two_cpus();
    const int here = ::sched_getcpu();
    std::array<int, 2> ready{};
    if (::pipe(ready.data()) != 0) throw std::runtime_error("no pipe");
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      move_to_cpu(here == 0 ? 1 : 0);
      beside();
      [[maybe_unused]] const auto told = ::write(ready[1], "x", 1);
      for (;;) beside();
    }
    ::close(ready[1]);
    char byte = 0;
    const bool begun = ::read(ready[0], &byte, 1) == 1;
    ::close(ready[0]);
    work(count / 8 + 1);
    const double begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    work(count);
    const double spent = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    if (!begun) throw std::runtime_error("the other process ended");
    return spent;
  };
}

int play(int argc, char** argv, const Measurements& measurements, const Parametric& parametric) {
  if (argc == 2 && std::string(argv[1]) == "--list") {
    for (const auto& [name, measurement] : measurements) std::printf("%s\n", name.c_str());
    for (const auto& [name, make] : parametric) std::printf("%s\n", name.c_str());
    return 0;
  }
  if (argc == 3) {
    const std::string given =
        answer(measurements, parametric, std::string(argv[1]) + ' ' + argv[2]);
    std::printf("%s\n", given.c_str());
    return given.starts_with("error") ? 1 : 0;
  }
  for (std::string line; std::getline(std::cin, line);) {
    std::printf("%s\n", answer(measurements, parametric, line).c_str());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace metrics::bench
