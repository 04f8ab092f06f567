#include "tests/torture/daemon.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string_view>

#include "tests/torture/processes.h"
#include "tests/torture/program.h"

namespace metrics::torture {
namespace {

std::uint64_t status_kb(pid_t pid, std::string_view field) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field)) return std::strtoull(line.c_str() + field.size(), nullptr, 10);
  }
  return 0;
}

}  // namespace

Daemon::Daemon(const std::vector<std::string>& segments, const std::vector<std::string>& flags) {
  int ends[2];
  must(::pipe(ends) == 0, "pipe");
  pid_ = start([&] {
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    std::vector<const char*> arguments = {TORTURE_AGGREGATOR, "--web.listen-address",
                                          "127.0.0.1:0"};
    for (const std::string& segment : segments) {
      arguments.push_back("--segment");
      arguments.push_back(segment.c_str());
    }
    for (const std::string& flag : flags) arguments.push_back(flag.c_str());
    arguments.push_back(nullptr);
    ::execv(TORTURE_AGGREGATOR, const_cast<char**>(arguments.data()));
    ::_exit(81);
  });
  ::close(ends[1]);
  log_ = ends[0];
  std::string text;
  while (text.find("path=/metrics") == std::string::npos) {
    pollfd wanted{log_, POLLIN, 0};
    char buffer[512];
    const bool ready = ::poll(&wanted, 1, 20'000) == 1;
    const ssize_t got = ready ? ::read(log_, buffer, sizeof buffer) : 0;
    must(got > 0, "the aggregator does not begin: " + text);
    text.append(buffer, static_cast<std::size_t>(got));
  }
  constexpr std::string_view kBefore = "address=127.0.0.1:";
  port_ = static_cast<std::uint16_t>(std::atoi(text.c_str() + text.find(kBefore) + kBefore.size()));
  // What it logs from here on must not block it.
  drain_ = std::jthread([this] {
    char buffer[4096];
    while (::read(log_, buffer, sizeof buffer) > 0) {
    }
  });
}

Daemon::~Daemon() {
  if (pid_ > 0) kill_and_reap(pid_);
  drain_.join();
  ::close(log_);
}

std::uint64_t Daemon::resident_kb() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::uint64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * 4;
}

std::uint64_t Daemon::most_resident_kb() const { return status_kb(pid_, "VmHWM:"); }

std::uint64_t Daemon::anonymous_kb() const { return status_kb(pid_, "RssAnon:"); }

std::uint64_t Daemon::cpu_ns() const {
  clockid_t clock{};
  timespec taken{};
  must(::clock_getcpuclockid(pid_, &clock) == 0 && ::clock_gettime(clock, &taken) == 0,
       "the aggregator has no CPU clock");
  return static_cast<std::uint64_t>(taken.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(taken.tv_nsec);
}

void Daemon::kill() {
  kill_and_reap(pid_);
  pid_ = -1;
}

std::optional<int> Daemon::stop() {
  ::kill(pid_, SIGTERM);
  const auto status = wait_for(pid_, std::chrono::seconds(40));
  pid_ = -1;
  return status;
}

}  // namespace metrics::torture
