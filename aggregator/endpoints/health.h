// health.h -- whether the daemon runs, and whether it serves: for those who start and stop it.
#pragma once

#include "aggregator/endpoints/endpoint.h"

namespace metrics::endpoints {

// 200 as long as the daemon answers at all.
Endpoint healthy();
// 200 as soon as it listens: a segment that isn't there yet is shown by metrics_segment_up.
Endpoint ready();

}  // namespace metrics::endpoints
