// http_sd.h -- this daemon as a target, for Prometheus's http_sd_configs.
#pragma once

#include <string>

#include "aggregator/endpoints/endpoint.h"

namespace metrics::endpoints {

struct Reached {
  std::string scheme = {};  // both empty: as the one that asks has reached it
  std::string authority = {};
};

// Makes the page. `metrics_path`: where Prometheus finds the exposition.
Endpoint http_sd(Reached from_outside, const std::string& metrics_path);

}  // namespace metrics::endpoints
