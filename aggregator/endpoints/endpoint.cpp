#include "aggregator/endpoints/endpoint.h"

#include <stdexcept>
#include <utility>

#include "aggregator/endpoints/landing.h"

namespace metrics::endpoints {

http::Routes routes(std::vector<Endpoint> endpoints) {
  endpoints.insert(endpoints.begin(), landing(endpoints));
  http::Routes table;
  for (Endpoint& e : endpoints) {
    if (!table.emplace(e.path, std::move(e.route)).second) {
      throw std::invalid_argument(e.path + " is the path of another page; choose another one");
    }
  }
  return table;
}

}  // namespace metrics::endpoints
