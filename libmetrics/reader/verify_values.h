// verify_values.h -- checks the values that are in a segment's slots.
#pragma once

#include "libmetrics/reader/faults.h"
#include "libmetrics/reader/progress.h"
#include "libmetrics/reader/verify_directory.h"

namespace metrics::reader {

// Adds a fault for each value that its writer can't have stored. Reads slots in pieces, and of
// these only what may have been written and has a cell to check.
void verify_values(Reader& reader, const VerifiedDirectory& directory, Faults& faults,
                   const Progress& progress);

}  // namespace metrics::reader
