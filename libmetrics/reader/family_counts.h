// family_counts.h -- what each slot has counted, family by family.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "libmetrics/format/types.h"
#include "libmetrics/reader/reader.h"

namespace metrics::reader {

// What was counted in one slot, by all of its owners.
struct FamilyCounts {
  struct Family {
    std::uint32_t family;  // index into the catalogue's families: one edition
    double counted;        // of a counter its values; of a histogram or summary its observations
  };
  format::SlotIndex slot;
  // Those of which the slot has any cell that is not 0; of gauges, infos and state sets: a value,
  // since a process that can set one has stored its generation there.
  std::vector<Family> families;
  std::uint64_t fingerprint;  // as long as it stays, no cell of a live series has changed
};

// Tells what slots have counted, of the series that are live as of the last look(). For one thread
// at a time, and one segment.
class FamilyCounter {
 public:
  // Returns what was counted in that slot. Takes time in proportion to what the slot holds. Empty,
  // with reader.why(), if the file was truncated meanwhile or can't be read.
  std::optional<FamilyCounts> of(Reader& reader, format::SlotIndex slot);

 private:
  // The cells of one series.
  struct Run {
    std::uint64_t first, end;  // with its places of exemplars
    std::uint32_t count;       // without them
    std::uint32_t family;
    format::Values values;
    bool is_of_processes;
  };
  void plan(const Contents& contents);
  void add(const Run& run, std::span<const std::uint64_t> cells, FamilyCounts& slot);

  std::shared_ptr<const Catalogue> planned_;  // for which runs_ was made
  std::vector<Run> runs_;                     // in ascending order
  // Scratch: where each family stands in FamilyCounts::families, counted from 1.
  std::vector<std::uint32_t> place_of_family_;
  std::vector<Reader::Stretch> stretches_;
  std::vector<std::uint64_t> cells_;
};

// Returns that of all slots that were ever used, slot 0 included. Empty, with why(), as above.
std::vector<FamilyCounts> family_counts(Reader& reader);

// What a slot has counted in all families together: the sum of what counters were increased by, and
// the number of observations of histograms and summaries.
struct SlotCount {
  double counters = 0;
  std::uint64_t observations = 0;
};
SlotCount sum_of(const Catalogue& catalogue, const FamilyCounts& counts) noexcept;

}  // namespace metrics::reader
