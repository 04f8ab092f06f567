// endpoint.h -- a page of the daemon: its path, its title on the landing page, and its answer.
#pragma once

#include <string>
#include <vector>

#include "aggregator/http/routes.h"

namespace metrics::endpoints {

struct Endpoint {
  std::string path;
  std::string title;  // empty: not listed
  http::Route route;
};

// Returns the routes of all endpoints and of the landing page that lists them, each behind
// `prefix`: empty, or "/workers". With a prefix, "/" and the prefix alone lead to the landing page.
// Throws std::invalid_argument, with one line that names the path, if two pages have the same path.
http::Routes routes(std::vector<Endpoint> endpoints, const std::string& prefix = "");

}  // namespace metrics::endpoints
