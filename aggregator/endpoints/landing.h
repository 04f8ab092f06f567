// landing.h -- the page at /, which lists all others.
#pragma once

#include <span>

#include "aggregator/endpoints/endpoint.h"

namespace metrics::endpoints {

Endpoint landing(std::span<const Endpoint> others);

}  // namespace metrics::endpoints
