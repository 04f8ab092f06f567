#include "aggregator/endpoints/metrics.h"

#include <string_view>
#include <vector>

#include "aggregator/endpoints/coding.h"
#include "aggregator/http/content_negotiation.h"

namespace metrics::endpoints {
namespace {

std::vector<http::Offer> offers_of(std::span<const exposition::Format> formats) {
  std::vector<http::Offer> offers;
  for (const exposition::Format& format : formats) {
    offers.push_back({format.content_type, format.preference, format.asked_for_in_full});
  }
  return offers;
}

}  // namespace

Endpoint metrics_page(scrape::Scrape& scrape, const std::string& path,
                      const exposition::Options& options,
                      std::span<const exposition::Format> formats) {
  const auto answer = [&scrape, options, formats,
                       offers = offers_of(formats)](const http::Request& request) {
    const std::string accept = request.header("Accept");
    const http::Preferred preferred = http::preferred(accept, offers);
    const exposition::Format& chosen = formats[preferred.offer];
    const scrape::Compression coding = coding_of(request);
    exposition::Options how = options;
    http::Response response;
    response.content_type = chosen.content_type;
    if (const auto escaping =
            format::escaping_named(http::parameter_value(preferred.parameters, "escaping"))) {
      how.escaping = *escaping;
      response.content_type.append("; escaping=").append(format::to_string(*escaping));
    }
    add_coding(response, coding, "Accept, Accept-Encoding");
    response.body = scrape.exposition(chosen, coding, request.query_values("name[]"), how);
    return response;
  };
  return {path, "Metrics", {answer}};
}

}  // namespace metrics::endpoints
