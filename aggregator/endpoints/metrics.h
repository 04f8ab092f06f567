// metrics.h -- the exposition, in the format and the coding that the client asks for.
#pragma once

#include <string>

#include "aggregator/endpoints/endpoint.h"
#include "aggregator/scrape/scrape.h"

namespace metrics::endpoints {

// Makes the page that serves the expositions of `scrape`, which must outlive the server. A client
// chooses families with the query parameters `name[]`.
Endpoint metrics_page(scrape::Scrape& scrape, const std::string& path);

}  // namespace metrics::endpoints
