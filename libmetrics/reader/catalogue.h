// catalogue.h -- what a segment's directory describes, and the copy of it that was read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmetrics/format/editions.h"
#include "libmetrics/format/geometry.h"
#include "libmetrics/reader/contents.h"
#include "libmetrics/reader/words.h"

namespace metrics::reader {

// The directory at one moment: the copied bytes and what they describe.
struct Catalogue {
  Contents contents;                  // views into `records`
  std::vector<format::Group> groups;  // of the families
  std::vector<std::string> faults;
  Words records;
  format::Geometry geometry;
  std::uint64_t cells = 0;         // end of the last cell that a series has
  std::uint64_t cost_of_sums = 0;  // see limits.h
  // The catalogue that this one was, before these places of contents.series got other series, or
  // none, and more were added behind them. It must not be used any more, since this one has taken
  // what it had. nullptr: the directory was read anew.
  const Catalogue* former = nullptr;
  // A place that has changed, and the series that stood there: its record, 0 if there was none, and
  // its first cell.
  struct Change {
    std::uint32_t place;
    format::Offset record;
    std::uint64_t first_cell;
  };
  std::vector<Change> changed;  // in the order of places
};

}  // namespace metrics::reader
