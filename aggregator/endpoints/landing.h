// landing.h -- the page that lists all other pages.
#pragma once

#include <span>
#include <string>

#include "aggregator/endpoints/endpoint.h"

namespace metrics::endpoints {

// Makes the page at `prefix` and "/", with a link to each of the others that has a title; their
// paths have the prefix.
Endpoint landing(std::span<const Endpoint> others, const std::string& prefix);

}  // namespace metrics::endpoints
