// http_routes.h -- which handler answers which path, and what is answered where none does.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "aggregator/http/admission.h"
#include "aggregator/http/message.h"

namespace metrics::http {

// Called by several threads at once. What it throws becomes a 500 that doesn't say why; the reason
// is logged. It must return: nothing can interrupt it, and stopping the server waits for it.
using Handler = std::function<Response(const Request&)>;

struct Route {
  // Health checks are exempt from the limit: a busy server must not look like a dead one.
  enum class Limit { kCounted, kExempt };

  Handler handler;
  Limit limit = Limit::kCounted;
};

// By path, which must be met byte by byte: nothing in a request is decoded or normalised.
using Routes = std::map<std::string, Route, std::less<>>;

// The answer of the route's handler; 404 for other paths, 405 with Allow for methods other than GET
// and HEAD, 503 with Retry-After if no seat is free or the visit came after closing. Throws what
// the handler throws. Thread-safe.
Response dispatch(const Routes& routes, const Request& request, Admission::Visit& visit);

}  // namespace metrics::http
