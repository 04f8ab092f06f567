// workload.h -- makes segments as workers leave them, with processes or threads that count the
// catalogue.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace metrics::bench {

struct Workload {
  std::size_t workers = 1;  // processes that live at once, and stay
  std::size_t threads = 0;  // of one of them, in addition
  std::size_t times = 1;    // the number of catalogues
  std::size_t bounds = 0;   // of each histogram, not round numbers; 0: the catalogue's 18
  std::size_t gauges = 0;   // live gauges that every worker sets
  std::size_t states = 0;   // state sets of mode livesum, of four states, that every worker sets
  std::size_t each = 0;     // gauges with a sample for each worker, which sets them
  std::size_t generations =
      1;                // workers that come and go in each worker's place; the last ones stay
  bool sparse = false;  // each worker counts one series only
  bool native = false;  // histograms have native buckets alone, of which 75 are populated
};

// A segment and the processes that own its slots. The destructor ends both.
class Crowd {
 public:
  explicit Crowd(const Workload& workload);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  const std::string& path() const { return path_; }
  std::string file() const { return path_ + ".v2"; }

 private:
  std::string path_;
  std::vector<pid_t> workers_;
};

}  // namespace metrics::bench
