#include "aggregator/endpoints/landing.h"

#include <string>
#include <utility>

namespace metrics::endpoints {

Endpoint landing(std::span<const Endpoint> others, const std::string& prefix) {
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta "
      "charset=\"utf-8\"><title>metrics-aggregator</title>"
      "<link rel=\"icon\" type=\"image/svg+xml\" href=\"" +
      prefix +
      "/favicon.ico\">"
      "</head>\n<body><h1>metrics-aggregator</h1>\n<p>Version " METRICS_VERSION "</p>\n<ul>\n";
  // Paths and titles hold no character that has a meaning in HTML: flags.cpp checks the one path
  // that users choose.
  for (const Endpoint& e : others) {
    if (e.title.empty()) continue;
    page += "<li><a href=\"" + e.path + "\">" + e.title + "</a></li>\n";
  }
  page += "</ul></body></html>\n";
  http::Response response = http::text_response(200, std::move(page));
  response.content_type = "text/html; charset=utf-8";
  return {prefix + "/", "", {[response](const http::Request&) { return response; }}};
}

}  // namespace metrics::endpoints
