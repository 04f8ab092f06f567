#include "aggregator/endpoints/metrics.h"

#include <string_view>
#include <vector>

#include "aggregator/http/content_negotiation.h"

namespace metrics::endpoints {
namespace {

const exposition::Format& format_for(const http::Request& request,
                                     std::span<const exposition::Format> formats) {
  std::vector<std::string_view> offers;
  for (const exposition::Format& format : formats) offers.push_back(format.content_type);
  return formats[http::preferred(request.header("Accept"), offers)];
}

}  // namespace

Endpoint metrics_page(scrape::Scrape& scrape, const std::string& path,
                      std::span<const exposition::Format> formats) {
  const auto answer = [&scrape, formats](const http::Request& request) {
    const exposition::Format& format = format_for(request, formats);
    const bool gzip = http::wants_gzip(request.header("Accept-Encoding"));
    http::Response response;
    response.content_type = format.content_type;
    response.headers = {{"Vary", "Accept, Accept-Encoding"}};
    if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
    response.body =
        scrape.exposition(format, gzip ? scrape::Compression::kGzip : scrape::Compression::kNone,
                          request.query_values("name[]"));
    return response;
  };
  return {path, "Metrics", {answer}};
}

}  // namespace metrics::endpoints
