// scenery.h -- what the parts of the case "space" play in: a file system of their own, a program
// on it, and what a scrape of it must show.
#pragma once

#include <string>

#include "metrics/metrics.hpp"
#include "tests/torture/mount.h"
#include "tests/torture/program.h"
#include "tests/torture/run.h"

namespace metrics::torture {

struct Scenery {
  Run& run;
  Tally& tally;
  std::string mount_point;
};

inline constexpr Geometry kRoomy = {8, 8, 64 * 1024, 64 * 1024};

// Throws unless a scrape of the segment on the mount shows exactly what was acknowledged.
void must_be_same(const Mount& mount, const Tally& tally, const std::string& where);

// Returns the series of the histogram "wide" with that label. Its cells in a slot fill two pages.
Histogram wide(const Program& program, const std::string& label);
inline constexpr unsigned kWideBounds = 1000;  // 1, 2, 3 ...
// Observes something in each of its buckets, so many times in all: from 0 to beyond the last bound.
void observe_all(Histogram histogram);
inline constexpr unsigned kAllObserved = kWideBounds + 2;

}  // namespace metrics::torture
