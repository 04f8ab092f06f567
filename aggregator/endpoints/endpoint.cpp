#include "aggregator/endpoints/endpoint.h"

#include <stdexcept>
#include <utility>

#include "aggregator/endpoints/landing.h"

namespace metrics::endpoints {

namespace {

Endpoint redirect(const std::string& from, const std::string& to) {
  http::Response response = http::text_response(302, "The pages are at " + to + "\n");
  response.headers = {{"Location", to}};
  return {from, "", {[response](const http::Request&) { return response; }}};
}

}  // namespace

http::Routes routes(std::vector<Endpoint> endpoints, const std::string& prefix) {
  for (Endpoint& e : endpoints) e.path = prefix + e.path;
  endpoints.insert(endpoints.begin(), landing(endpoints, prefix));
  if (!prefix.empty()) {
    for (const std::string& from : {std::string("/"), prefix}) {
      endpoints.push_back(redirect(from, prefix + '/'));
    }
  }
  http::Routes table;
  for (Endpoint& e : endpoints) {
    if (!table.emplace(e.path, std::move(e.route)).second) {
      throw std::invalid_argument(e.path + " is the path of another page; choose another one");
    }
  }
  return table;
}

}  // namespace metrics::endpoints
