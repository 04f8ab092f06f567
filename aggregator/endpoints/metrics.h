// metrics.h -- the exposition, in the format and the coding that the client asks for.
#pragma once

#include <span>
#include <string>

#include "aggregator/endpoints/endpoint.h"
#include "aggregator/exposition/formats.h"
#include "aggregator/scrape/scrape.h"

namespace metrics::endpoints {

// Makes the page that serves the expositions of `scrape` in these formats; both must outlive the
// server. A client chooses families with the query parameters `name[]`.
Endpoint metrics_page(scrape::Scrape& scrape, const std::string& path,
                      const exposition::Options& options = {},
                      std::span<const exposition::Format> formats = exposition::formats());

}  // namespace metrics::endpoints
