// verify.h -- checks everything in a segment that can be checked.
#pragma once

#include <string>
#include <vector>

#include "libmetrics/reader/progress.h"
#include "libmetrics/reader/reader.h"

namespace metrics::reader {

// Returns a sentence for each fault; empty for a sound segment. Looks at the segment anew; workers
// may be writing meanwhile. Checks every offset and size of header, directory and chains, that no
// two records and no two series' cells overlap, that records lie in the directory's used part and
// cells in a slot, and that heads, lanes' owners and values can be what their writers store.
//
// Its cost grows with what the file takes, not with what its header claims: holes are skipped, what
// was written is read once, in pieces, and no more than kMostFaults are returned.
std::vector<std::string> verify(Reader& reader, const Progress& progress = {});

}  // namespace metrics::reader
