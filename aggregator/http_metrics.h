// http_metrics.h -- metrics about the aggregator's HTTP server.
#pragma once

#include <optional>

#include "aggregator/http/counts.h"
#include "aggregator/web/rules_file.h"
#include "libmetrics/reader/families_builder.h"

namespace metrics::aggregator {

// Adds the server's families, with these values.
void describe_http(reader::FamiliesBuilder& build, const http::Counts& counts);

// Adds those of the web configuration, without a value if there is none.
void describe_rules(reader::FamiliesBuilder& build,
                    const std::optional<web::RulesFile::Status>& status);

}  // namespace metrics::aggregator
