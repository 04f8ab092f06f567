#include "tests/torture/scenery.h"

namespace metrics::torture {

void must_be_same(const Mount& mount, const Tally& tally, const std::string& where) {
  const Look look(mount.path() + ".v2");
  must(look.faults().empty(), where + ": the directory has faults");
  must(look.count("c") == tally.counts && look.count("h") == tally.observed,
       where + ": " + std::to_string(tally.counts) + " and " + std::to_string(tally.observed) +
           " acknowledged, " + std::to_string(look.count("c")) + " and " +
           std::to_string(look.count("h")) + " scraped");
}

Histogram wide(const Program& program, const std::string& label) {
  static const Bounds bounds = Bounds::linear(1, 1, kWideBounds);
  return Family<Histogram>("wide", "", {"n"}, {.bounds = bounds, .segment = program.segment})
      .labels(label);
}

void observe_all(Histogram histogram) {
  for (unsigned i = 0; i < kAllObserved; ++i) histogram.observe(i);
}

}  // namespace metrics::torture
