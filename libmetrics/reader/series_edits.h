// series_edits.h -- takes series out of a list and puts others in, and makes nothing of the rest
// again.
#pragma once

#include <vector>

#include "libmetrics/format/records.h"
#include "libmetrics/reader/families.h"

namespace metrics::reader {

struct SeriesEdits {
  std::vector<format::Offset> removed;  // by Series::record
  std::vector<Series> added;
};

// Edits a list that is in the order of records, of which no two are the same, and stays so.
void apply(SeriesEdits edits, std::vector<Series>& list);

}  // namespace metrics::reader
