#include "aggregator/http/routes.h"

#include <utility>

namespace metrics::http {
namespace {

Response busy(std::string why) {
  Response response = text_response(503, std::move(why));
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

Response dispatch(const Routes& routes, const Request& request, Admission::Visit& visit) {
  if (visit.came_after_closing()) return busy("The server is stopping.\n");
  const auto found = routes.find(request.path);
  if (found == routes.end()) return text_response(404, "There is nothing at this path.\n");
  if (request.method != "GET" && request.method != "HEAD") {
    Response response = text_response(405, "Only GET and HEAD are allowed here.\n");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  const Route& route = found->second;
  if (route.limit == Route::Limit::kCounted && !visit.admit()) {
    return busy("Too many requests are being served at the same time.\n");
  }
  return route.handler(request);
}

}  // namespace metrics::http
