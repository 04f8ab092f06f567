// growing.h -- a segment of many series, to which more are added, and from which some are removed,
// by a process of its own: the caller's memory is what it reads alone.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace metrics::bench {

class Growing {
 public:
  // Counts in so many counters, with a label of 20 bytes each, and in a tenth as many histograms of
  // 11 bounds, by eight processes.
  explicit Growing(std::uint64_t counters);
  ~Growing();
  Growing(const Growing&) = delete;
  Growing& operator=(const Growing&) = delete;
  std::string file() const { return path_ + ".v2"; }

  // Registers and counts in so many counters more; removes the ones that add() has made last.
  void add(std::uint64_t count) const { ask('+', count); }
  void remove(std::uint64_t count) const { ask('-', count); }

 private:
  void ask(char what, std::uint64_t count) const;

  std::string path_;
  pid_t process_;
  int orders_, answers_;
};

}  // namespace metrics::bench
