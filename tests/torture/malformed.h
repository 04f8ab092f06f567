// malformed.h -- requests that no client should send.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/torture/run.h"

namespace metrics::torture {

// A path or a header of that length makes a request too large for the aggregator to read.
inline constexpr std::size_t kHugeBytes = 64 * 1024;

// Returns requests that are wrong in known ways, and 200 random mutations of their beginnings.
std::vector<std::string> malformed_requests(Run& run);

}  // namespace metrics::torture
