// snapshot.h -- copies a segment, so that every reader shows the copy as it would have shown the
// segment.
//
// Workers go on counting meanwhile, so each cell is as of a moment between the beginning of the
// copy and its end, as in a scrape: nothing that had been counted before is missing, no series has
// another one's cells, and who was alive is noted down. The file is sparse like its original.
#pragma once

#include <string>

#include "libmetrics/reader/progress.h"

namespace metrics::reader {

// Copies the segment in `file` to `to`, a new file: its name appears when all of it is there.
// Returns an empty string, or a sentence that says why there is no copy.
std::string take_snapshot(const std::string& file, const std::string& to,
                          const Progress& progress = {});

}  // namespace metrics::reader
