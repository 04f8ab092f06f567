// coding.h -- whether a response's body is compressed: as its client asks.
#pragma once

#include <string_view>

#include "aggregator/http/message.h"
#include "aggregator/scrape/scrape.h"

namespace metrics::endpoints {

// Returns the coding that the request's Accept-Encoding asks for.
scrape::Compression coding_of(const http::Request& request);

// Adds the headers of a response whose body has that coding. `vary`: the request's headers on which
// the body depends.
void add_coding(http::Response& response, scrape::Compression coding,
                std::string_view vary = "Accept-Encoding");

}  // namespace metrics::endpoints
