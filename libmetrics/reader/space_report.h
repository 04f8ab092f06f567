// space_report.h -- which family takes how much of a segment.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "libmetrics/reader/reader.h"

namespace metrics::reader {

struct Registrant {
  std::uint32_t pid;  // in its own pid namespace
  std::uint64_t series;
};

// What one edition of a family takes, with all of its series.
struct FamilySpace {
  const format::FamilyView* family;  // nullptr: removed series' records that no family has any more
  std::uint64_t live = 0, removed = 0;  // series
  std::uint64_t cells = 0;              // in each slot
  std::uint64_t directory_bytes = 0;    // its record, and those of its series
  std::uint64_t slot_bytes = 0;         // its cells, in all slots that have pages for them
  std::vector<format::Owner> looked_up_by =
      {};                   // the processes that its series' records name, each once
  bool by_several = false;  // several have looked up one of them
  // The processes that have registered its live series, as far as that is known, in the order of
  // records; the family's is FamilyView::registrant.
  std::vector<Registrant> registered_by = {};
};

// Returns a report for each family, in the order of records; valid as long as the reader's
// catalogue.
std::vector<FamilySpace> space_report(Reader& reader);

}  // namespace metrics::reader
