// slot_counts.h -- how much was counted in each slot, which tells busy workers from idle ones.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "libmetrics/reader/reader.h"

namespace metrics::reader {

// What was counted in a slot by its owner and by all that owned it before: the sum of what counters
// were increased by, and the number of observations of histograms and summaries.
struct SlotCount {
  double counters = 0;
  std::uint64_t observations = 0;
};

// For one thread at a time, and one segment.
class SlotCounts {
 public:
  // Returns what was counted in that slot, in the series that the last look() has found. Takes time
  // in proportion to what the slot holds. Empty, with reader.why(), if the file was truncated
  // meanwhile or can't be read.
  std::optional<SlotCount> of(Reader& reader, format::SlotIndex slot);

 private:
  // The cells of one series: as many whole numbers as that, then a double.
  struct Cells {
    std::uint64_t first, whole;
    bool counts_observations;
  };
  void plan(const Contents& contents);

  std::shared_ptr<const Catalogue> planned_;  // for which cells_ was made
  std::vector<Cells> cells_;                  // in ascending order
  std::vector<Reader::Stretch> stretches_;    // scratch
};

}  // namespace metrics::reader
