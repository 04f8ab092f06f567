// dashboard.h -- the page that shows segments, families, workers and the daemon in a browser.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aggregator/endpoints/api.h"

namespace metrics::endpoints {

// Makes the page and what it loads. The page itself has tables of all that it shows, made here; its
// script puts live ones in their place, from /api/v1. `scrape` must outlive the server.
std::vector<Endpoint> dashboard(scrape::Scrape& scrape, std::shared_ptr<Answers> answers);

}  // namespace metrics::endpoints
