// http_metrics.h -- metrics about the aggregator's HTTP server.
#pragma once

#include "aggregator/http/counts.h"
#include "libmetrics/reader/families_builder.h"

namespace metrics::aggregator {

// Adds the server's families, with these values.
void describe_http(reader::FamiliesBuilder& build, const http::Counts& counts);

}  // namespace metrics::aggregator
