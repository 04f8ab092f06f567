// limits.h -- bounds the memory and time that a segment may cost its reader.
//
// A few forged bytes in a sparse file must not cost more than the reader has, so every bound grows
// with the space that the file takes. Each function returns the rest of a sentence that begins with
// the file's name, empty if the segment is within the bound.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "libmetrics/format/editions.h"
#include "libmetrics/reader/contents.h"

namespace metrics::reader {

// Bounds a directory, or a table of heads, that is copied at once.
std::string excess_of_copy(std::uint64_t bytes, std::uint64_t space_taken);

// Bounds what is read of `slots` slots, each with `cells` cells in use.
std::string excess_of_slots(std::uint64_t slots, std::uint64_t cells, std::uint64_t space_taken);

// Bounds the text of an exposition of all series, and their values: long labels are repeated for
// each bucket, and a family's last edition decides how many buckets all its series have.
std::string excess_of_text(const Contents& contents, std::span<const format::Group> groups,
                           std::uint64_t space_taken);

}  // namespace metrics::reader
