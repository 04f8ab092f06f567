// favicon.h -- the icon that browsers ask for by themselves.
#pragma once

#include "aggregator/endpoints/endpoint.h"

namespace metrics::endpoints {

Endpoint favicon();

}  // namespace metrics::endpoints
