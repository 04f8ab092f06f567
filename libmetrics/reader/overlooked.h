// overlooked.h -- changes of a directory that change nothing that is shown.
#pragma once

#include <cstdint>
#include <span>

#include "libmetrics/format/geometry.h"
#include "libmetrics/reader/contents.h"

namespace metrics::reader {

// Compares two copies of index and directory, of the same size. Returns true if they differ in
// nothing but words that are of no concern to a reader of these contents, which were read from
// `before`: what registrants, limits and the reuse of records keep there, and all that a series'
// record holds as long as it does not become live. FamilyRecord::opened is one of them, unless it
// changes which edition is the last: that is for the caller to find out.
bool only_overlooked(std::span<const std::uint64_t> before, std::span<const std::uint64_t> after,
                     const Contents& contents, const format::Geometry& geometry);

}  // namespace metrics::reader
