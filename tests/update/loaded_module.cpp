// A program's module, loaded and unloaded by loaded_test.cpp, with the static library in it.
#include "metrics/metrics.hpp"

extern "C" {

// Counts once in the segment at that path.
[[gnu::visibility("default")]] void count_in(const char* path) {
  const metrics::Segment segment(path, {8, 8, 4096, 64 * 1024});
  metrics::Family<metrics::Counter>("tasks", "", {}, {.segment = segment}).labels().inc();
}

}  // extern "C"
