// segments.h -- segments by their handles, and what is reported of claims.
#pragma once

#include "libmetrics/setup/registry.h"
#include "metrics/metrics.h"

namespace metrics::api {

// The registry behind a handle; the default segment's for NULL.
setup::Registry& registry_of(metrics_segment* segment);

// Logs once why a thread of this process got no slot of its own. Updates never log: the next set-up
// call does.
void tell_claim(const setup::Registry& registry);

}  // namespace metrics::api
