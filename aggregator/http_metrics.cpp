#include "aggregator/http_metrics.h"

#include <cstddef>

namespace metrics::aggregator {

void describe_http(reader::FamiliesBuilder& build, const http::Counts& counts) {
  build.family(format::Type::kGauge, "metrics_aggregator_http_connections",
               "Connections of clients, by what they are at.");
  for (std::size_t i = 0; i < http::kStateNames.size(); ++i) {
    build.gauge({{"state", http::kStateNames[i]}}, counts.connections[i]);
  }
  build.family(format::Type::kCounter, "metrics_aggregator_http_connections_closed",
               "Connections that were closed, by why.");
  for (std::size_t i = 0; i < http::kClosedNames.size(); ++i) {
    build.counter({{"reason", http::kClosedNames[i]}}, counts.closed[i]);
  }
  build.family(format::Type::kGauge, "metrics_aggregator_http_buffered_bytes",
               "Bytes of requests that are not served yet, and of responses that clients have not "
               "taken yet.");
  build.gauge({}, counts.buffered_bytes);
}

}  // namespace metrics::aggregator
