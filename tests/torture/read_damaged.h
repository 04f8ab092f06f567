// read_damaged.h -- reading a segment that may be damaged, as all of its readers do.
#pragma once

#include <string>

namespace metrics::torture {

// Reads that file as the aggregator and the inspector do, and prints it. Returns "", or what must
// never happen: an exception, or an exposition that is not valid. Stores in *readable whether the
// file was taken for a segment.
std::string read_damaged(const std::string& file, bool* readable = nullptr);

}  // namespace metrics::torture
