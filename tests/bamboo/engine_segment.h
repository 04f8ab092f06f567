// engine_segment.h -- an engine in a segment of a test's own, and what was recorded there.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "metrics/bamboo.hpp"
#include "tests/support/temp_segment.h"

namespace metrics::bamboo::test {

using metrics::test::LabelValues;
using metrics::test::Scrape;

inline constexpr const char* kHostname = "host-1";

// What one kind of node has recorded of a call: observations of each step, failures, exceptions.
struct Recorded {
  std::vector<std::uint64_t> steps;
  std::uint64_t failed = 0;
  std::uint64_t exceptions = 0;
  friend bool operator==(const Recorded&, const Recorded&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Recorded& r) {
    out << "steps";
    for (const std::uint64_t count : r.steps) out << ' ' << count;
    return out << ", failed " << r.failed << ", exceptions " << r.exceptions;
  }
};

class EngineSegment : public metrics::test::TempSegment {
 public:
  EngineSegment() : TempSegment(metrics::Geometry{64, 64, 16384, 256 * 1024}) {
    ::unsetenv(kBoundsVariable);
  }

  EngineOptions options() const { return {.hostname = kHostname, .segment = segment()}; }
  Engine engine() const { return Engine(options()); }

  // Of a metric without a type.
  std::uint64_t count(Metric m) const { return scrape().count(row_of(m).name, {kHostname}); }
  double sum(Metric m) const { return scrape().sum(row_of(m).name, {kHostname}); }
  double gauge(Metric m) const { return scrape().by_first_label(row_of(m).name).at(kHostname); }

  Recorded recorded(Call call, const NodeType& type) const {
    const Scrape s = scrape();
    const auto value = [&](Metric m) {
      const bool by_code = row_of(m).labels == Labels::kCodeAndHost;
      return s.count(row_of(m).name, {by_code ? type.code : type.type, kHostname});
    };
    const CallMetrics metrics = metrics_of(call);
    Recorded r;
    for (const Metric m : metrics.steps) r.steps.push_back(value(m));
    r.failed = value(metrics.failed);
    r.exceptions = value(metrics.exception);
    return r;
  }
};

}  // namespace metrics::bamboo::test
