#include "aggregator/endpoints/coding.h"

#include <string>

#include "aggregator/http/content_negotiation.h"

namespace metrics::endpoints {

scrape::Compression coding_of(const http::Request& request) {
  return http::wants_gzip(request.header("Accept-Encoding")) ? scrape::Compression::kGzip
                                                             : scrape::Compression::kNone;
}

void add_coding(http::Response& response, scrape::Compression coding, std::string_view vary) {
  response.headers.emplace_back("Vary", std::string(vary));
  if (coding == scrape::Compression::kGzip) {
    response.headers.emplace_back("Content-Encoding", "gzip");
  }
}

}  // namespace metrics::endpoints
