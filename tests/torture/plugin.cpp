#include "tests/torture/plugin.h"

#include "metrics/metrics.hpp"

namespace {

metrics::Counter counter;

// Counts once more when the library is unloaded, or the process ends.
struct AtEnd {
  ~AtEnd() { counter.inc(); }
} at_end;

}  // namespace

extern "C" {
__attribute__((visibility("default"))) bool torture_plugin_open(const char* path) {
  const metrics::Segment segment(path, {32, 64, 8 * 1024, 1 << 20});
  counter = metrics::Family<metrics::Counter>("c", "", {}, {.segment = segment}).labels();
  return segment.status() == METRICS_OK;
}
__attribute__((visibility("default"))) void torture_plugin_count() { counter.inc(); }
}
