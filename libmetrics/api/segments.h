// segments.h -- finds a segment by its handle, and logs what updates have met.
#pragma once

#include "libmetrics/setup/registry.h"
#include "metrics/metrics.h"

namespace metrics::api {

// Returns the registry behind a handle; the default segment's for NULL.
setup::Registry& registry_of(metrics_segment* segment);

// Updates never log. Logs, once and from the next set-up call, why a thread got no slot of its own,
// and that a family was given an exemplar and has no places for any.
void log_claim(const setup::Registry& registry);

}  // namespace metrics::api
