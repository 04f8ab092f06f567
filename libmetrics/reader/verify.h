// verify.h -- everything in a segment that can be checked, checked.
#pragma once

#include <string>
#include <vector>

#include "libmetrics/reader/reader.h"

namespace metrics::reader {

// A sentence for each fault, none for a sound segment; workers may be writing meanwhile. Checked
// are every offset and size of header, directory and chains, that no two records and no two series'
// cells overlap, that all lie in what counts as used, and that heads, lanes' owners and values can
// be what their writers store. The segment is looked at anew.
std::vector<std::string> verify(Reader& reader);

}  // namespace metrics::reader
