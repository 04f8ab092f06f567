// series_edits.h -- takes series out of a list and puts others in, and makes nothing of the rest
// again.
#pragma once

#include <vector>

#include "libmetrics/format/records.h"
#include "libmetrics/reader/series_list.h"

namespace metrics::reader {

// Takes the series of these records out of a list, and puts others in. Both lists are in the order
// of Series::record, of which no two are the same; the first one stays so. Chunks in which nothing
// changes stay; so that they don't become many small ones, a chunk that has few series left is
// joined with the next one.
void apply(std::vector<format::Offset> removed, const SeriesList& added, SeriesList& list);

}  // namespace metrics::reader
