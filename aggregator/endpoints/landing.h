// landing.h -- the page at /, which lists all other pages.
#pragma once

#include <span>

#include "aggregator/endpoints/endpoint.h"

namespace metrics::endpoints {

// Makes the page, with a link to each of the others.
Endpoint landing(std::span<const Endpoint> others);

}  // namespace metrics::endpoints
