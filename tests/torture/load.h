// load.h -- workers that write and register as fast as they can, as long as the object lives.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/torture/run.h"

namespace metrics::torture {

class Load {
 public:
  // Starts that many workers on the segment at `path`. Each runs at a lower priority than the case,
  // with a seed of its own from the run.
  Load(Run& run, const std::string& path, unsigned workers);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load();  // kills them

 private:
  std::vector<pid_t> pids_;
};

}  // namespace metrics::torture
