// growing.h -- segments of many series, made by processes of their own: the caller's memory is what
// it reads alone.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace metrics::bench {

// With a label of 20 bytes each; histograms have 11 bounds. Eight processes count in each.
struct SeriesCounts {
  std::uint64_t counters, histograms;
};

// A segment to which counters are added, and from which some are removed, while all who have
// counted in it live.
class Growing {
 public:
  explicit Growing(const SeriesCounts& series);
  ~Growing();
  Growing(const Growing&) = delete;
  Growing& operator=(const Growing&) = delete;
  std::string file() const { return path_ + ".v2"; }

  // Registers and counts in so many counters more; removes the ones that add() has made last.
  void add(std::uint64_t count) const { ask('+', count); }
  void remove(std::uint64_t count) const { ask('-', count); }

 private:
  void ask(char what, std::uint64_t count) const;

  const std::string path_;
  pid_t process_;
  int orders_, answers_;
};

// A directory of segments that have so many series each. All who have counted in them are dead.
class Scattered {
 public:
  Scattered(std::uint64_t segments, const SeriesCounts& series);
  ~Scattered();
  Scattered(const Scattered&) = delete;
  Scattered& operator=(const Scattered&) = delete;
  const std::string& directory() const { return directory_; }

 private:
  const std::string directory_;
};

}  // namespace metrics::bench
