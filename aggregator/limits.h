// limits.h -- what bounds the daemon, for its status page.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/http/server.h"

namespace metrics::aggregator {

// Returns names, which end with a unit if there is one, and values. What they mean is described in
// docs/api.md.
std::vector<std::pair<std::string, std::uint64_t>> limits(const http::HttpOptions& options);

}  // namespace metrics::aggregator
