// read_back.h -- one series' values, summed over all slots, for programs that test their metrics.
#pragma once

#include <cstdint>
#include <span>

#include "libmetrics/update/segment.h"

namespace metrics::setup {

// Adds the counts in cells first_cell.. of all slots that were ever used to `whole`. Returns the
// sum of the doubles in the cell behind them, added in the order of slots, as a scrape adds them.
// Throws Error if the segment can't be read.
double read_back(const update::Segment& segment, std::uint64_t first_cell,
                 std::span<std::uint64_t> whole);

}  // namespace metrics::setup
