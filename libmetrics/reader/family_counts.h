// family_counts.h -- what each slot has counted, family by family.
#pragma once

#include <cstdint>
#include <vector>

#include "libmetrics/reader/reader.h"

namespace metrics::reader {

// What was counted in one slot, by all of its owners.
struct FamilyCounts {
  struct Family {
    std::uint32_t family;  // index into the catalogue's families: one edition
    double counted;        // of a counter its values; of a histogram or summary its observations
    // Of gauges and infos: whether a value was ever set.
  };
  format::SlotIndex slot;
  std::vector<Family> families;  // those of which the slot has any cell that is not 0
  std::uint64_t fingerprint;     // as long as it stays, no cell of a live series has changed
};

// Returns what all slots that were ever used have counted, slot 0 included, of the series that are
// live, as of the last look(). Takes time in proportion to what the file holds. Empty, with why(),
// if the file was truncated meanwhile or can't be read.
std::vector<FamilyCounts> family_counts(Reader& reader);

}  // namespace metrics::reader
