// options.h -- fills in the C ABI's options, of which a test needs one or two.
#pragma once

#include <cstddef>
#include <vector>

#include "metrics/metrics.h"

namespace metrics::test {

// get() points into the object, which keeps pointers to its arguments: these must live as long.
class Options {
 public:
  Options() { options_.size = sizeof options_; }
  Options& unit(const char* unit) {
    options_.unit = unit;
    return *this;
  }
  Options& mode(metrics_mode mode) {
    options_.mode = mode;
    return *this;
  }
  Options& bounds(const std::vector<double>& bounds) {
    options_.bounds = bounds.data();
    options_.bound_count = bounds.size();
    return *this;
  }
  Options& native(const metrics_native& native) {
    options_.native = &native;
    return *this;
  }
  Options& states(const std::vector<const char*>& states) {
    options_.states = states.data();
    options_.state_count = states.size();
    return *this;
  }
  const metrics_family_options* get() const { return &options_; }

 private:
  metrics_family_options options_{};
};

}  // namespace metrics::test
