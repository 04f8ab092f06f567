// contents.h -- a copy of a segment's directory, checked: what is linked in it and can be right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmetrics/format/geometry.h"
#include "libmetrics/format/records.h"

namespace metrics::reader {

// Everything that is linked, in the order of offsets, which is roughly that of registration, out of
// two copies that reach from the index to the end of what was used. `links` was taken first, and
// chains are followed in it; `records` was begun when that was complete, and descriptions are read
// from it: what was linked in the first copy was filled before the second one, while a single copy
// may hold a link and, from a moment earlier, the record's bytes half written. Both may be the same
// if nobody writes.
//
// Records that can't be right are left out, and with them, if a chain leads outside or in a circle,
// the rest of their chain; each such fault is a sentence in *faults. A link beyond the copy is no
// fault: it came later.
struct Contents {
  std::vector<format::FamilyView> families;
  std::vector<format::SeriesView> series;  // each one's family is among `families`
  std::uint64_t linked_bytes = 0;
};
Contents contents(const format::Window& links, const format::Window& records,
                  const format::Geometry& geometry, std::vector<std::string>* faults);

}  // namespace metrics::reader
