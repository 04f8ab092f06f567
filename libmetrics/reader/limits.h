// limits.h -- how much memory and time a segment may ask of its reader.
//
// A few forged bytes in a sparse file must not ask for more than the reader has, so every bound
// grows with the space that the file takes. Each function returns what follows the file's name in a
// sentence, empty if all is well.
#pragma once

#include <cstdint>
#include <string>

#include "libmetrics/reader/contents.h"

namespace metrics::reader {

// Of a directory, or a table of heads, that is copied at once.
std::string excess_of_copy(std::uint64_t bytes, std::uint64_t space_taken);

// Of `slots` slots that are read, each with `cells` cells in use.
std::string excess_of_slots(std::uint64_t slots, std::uint64_t cells, std::uint64_t space_taken);

// Of the text that an exposition of all series would be: long labels are repeated for each bucket.
std::string excess_of_text(const Contents& contents, std::uint64_t space_taken);

}  // namespace metrics::reader
