// endpoint.h -- a page of the daemon: its path, what the landing page calls it, and its answer.
#pragma once

#include <string>
#include <vector>

#include "aggregator/http/routes.h"

namespace metrics::endpoints {

struct Endpoint {
  std::string path;
  std::string title;
  http::Route route;
};

// All endpoints and the landing page that lists them, by path. Throws std::invalid_argument if two
// have the same path: one line that names it.
http::Routes routes(std::vector<Endpoint> endpoints);

}  // namespace metrics::endpoints
