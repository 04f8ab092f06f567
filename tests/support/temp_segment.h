// temp_segment.h -- a segment of a test's own: its path is unique and removed at the end, and the
// METRICS_* variables of the environment, which are unset, have no effect on it.
#pragma once

#include <string>

#include "metrics/metrics.hpp"
#include "tests/support/scrape.h"

namespace metrics::test {

// A directory in memory. Its destructor removes it with everything in it. Making one also unsets
// the METRICS_* variables and silences the library's log.
class TempDirectory {
 public:
  TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A path at which a test may create a segment.
class TempPath {
 public:
  std::string path() const { return directory_.path() + "/segment"; }
  std::string file() const { return path() + ".v2"; }
  const std::string& directory() const { return directory_.path(); }
  Scrape scrape() const { return Scrape(file()); }
  // Scrapes the segment, and returns the whole part of a counter without labels.
  std::uint64_t scraped(const std::string& name) const { return scrape().count(name); }

 private:
  TempDirectory directory_;
};

// Small enough for a test to fill it, and large enough that no test fills it by accident.
inline constexpr Geometry kSmall = {64, 64, 4096, 64 * 1024};
// The same for the C ABI.
inline constexpr metrics_geometry kSmallInC = {sizeof(metrics_geometry), kSmall.processes,
                                               kSmall.threads, kSmall.cells,
                                               kSmall.directory_bytes};

// Converts to the options of any metric, in this segment.
struct InSegment {
  Segment segment;
  template <class MetricOptions>
  operator MetricOptions() const {  // NOLINT(google-explicit-constructor): stands for options
    return MetricOptions{.segment = segment};  // no default segment is made on the way
  }
};

// A new segment in a directory of its own, with metrics in it.
class TempSegment : public TempPath {
 public:
  explicit TempSegment(const Geometry& geometry = kSmall) : segment_(path(), geometry) {}

  const Segment& segment() const { return segment_; }
  // Returns the options of any metric in this segment.
  InSegment options() const { return {segment_}; }
  Counter counter(const std::string& name) const {
    return Family<Counter>(name, "", {}, options()).labels();
  }
  Gauge gauge(const std::string& name, Mode mode) const {
    return Family<Gauge>(name, "", {}, {.mode = mode, .segment = segment_}).labels();
  }
  Histogram histogram(const std::string& name, const Bounds& bounds) const {
    return Family<Histogram>(name, "", {}, {.bounds = bounds, .segment = segment_}).labels();
  }

 private:
  Segment segment_;
};

}  // namespace metrics::test
