// daemon.h -- the aggregator as a process of its own, for cases that harm it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace metrics::torture {

class Daemon {
 public:
  // Starts it with these segments and flags, on a port that the kernel chooses, and waits until it
  // listens. Throws std::runtime_error with its log if it ends before, or logs nothing for 20 s.
  explicit Daemon(const std::vector<std::string>& segments,
                  const std::vector<std::string>& flags = {});
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon();  // kills it if it still runs

  std::uint16_t port() const { return port_; }
  // The memory that it has in RAM at the moment.
  std::uint64_t resident_kb() const;
  // The most memory that it has ever had in RAM.
  std::uint64_t most_resident_kb() const;

  // The part of the first that is its own: no file's, and no segment's.
  std::uint64_t anonymous_kb() const;
  // The CPU time that it has taken.
  std::uint64_t cpu_ns() const;

  // Ends it by SIGKILL.
  void kill();
  // Ends it by SIGTERM and returns how it has ended, as wait_for() does.
  std::optional<int> stop();

 private:
  pid_t pid_ = -1;  // -1: it has ended
  int log_ = -1;    // the end of a pipe that its log comes out of
  std::uint16_t port_ = 0;
  std::jthread drain_;
};

}  // namespace metrics::torture
