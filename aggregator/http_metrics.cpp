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
  build.family(format::Type::kGauge, "metrics_aggregator_http_tls_bytes",
               "Bytes that TLS keeps for connections, about.");
  build.gauge({}, counts.tls_bytes);
}

void describe_rules(reader::FamiliesBuilder& build,
                    const std::optional<web::RulesFile::Status>& status) {
  build.family(format::Type::kGauge, "metrics_aggregator_web_config_last_reload_successful",
               "1 if the web configuration, as it was read last, has no fault.");
  if (status) build.gauge({}, status->good ? 1.0 : 0.0);
  build.family(format::Type::kGauge,
               "metrics_aggregator_web_config_last_reload_success_timestamp_seconds",
               "When the web configuration that holds was read, since unix epoch in seconds.");
  if (status) build.gauge({}, static_cast<double>(status->good_since));
  build.family(format::Type::kGauge, "metrics_aggregator_tls_certificate_expiry_timestamp_seconds",
               "When the server's certificate ends, since unix epoch in seconds; 0 without TLS.");
  if (status) build.gauge({}, static_cast<double>(status->cert_not_after));
}

}  // namespace metrics::aggregator
