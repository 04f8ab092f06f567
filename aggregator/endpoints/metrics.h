// metrics.h -- the exposition, in the format and the coding that the client asks for.
#pragma once

#include <string>

#include "aggregator/endpoints/endpoint.h"
#include "aggregator/scrape/scrape.h"

namespace metrics::endpoints {

// The scrape must outlive the server. Query parameters `name[]` choose families.
Endpoint metrics_page(scrape::Scrape& scrape, const std::string& path);

}  // namespace metrics::endpoints
