// health.h -- whether the daemon runs, and whether it serves: for the programs that supervise it.
#pragma once

#include "aggregator/endpoints/endpoint.h"

namespace metrics::endpoints {

// Answers 200 as long as the daemon answers at all.
Endpoint healthy();
// Answers 200 as soon as the daemon listens, even if a segment does not exist yet: that is shown by
// metrics_segment_up.
Endpoint ready();

}  // namespace metrics::endpoints
