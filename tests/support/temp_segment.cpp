#include "tests/support/temp_segment.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace metrics::test {

TempDirectory::TempDirectory() : path_("/dev/shm/metrics-test-XXXXXX") {
  for (const char* variable :
       {"METRICS_SEGMENT", "METRICS_GROUP", "METRICS_PROCESSES", "METRICS_THREADS", "METRICS_CELLS",
        "METRICS_DIRECTORY_BYTES", "METRICS_EXEMPLARS", "METRICS_MAX_SERIES"}) {
    ::unsetenv(variable);
  }
  metrics_set_log(nullptr, nullptr);
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("can't make " + path_);
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace metrics::test
