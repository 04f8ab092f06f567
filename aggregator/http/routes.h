// routes.h -- which handler answers which path, and the answers to requests that no handler gets.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "aggregator/http/admission.h"
#include "aggregator/http/message.h"

namespace metrics::http {

// The server calls it from several threads at once. If it throws, the client gets a 500 without the
// reason, and the reason is logged. It must return: nothing can interrupt it, and stopping the
// server waits for it.
using Handler = std::function<Response(const Request&)>;

struct Route {
  // Health checks are exempt from the limit: a busy server must not look like a dead one.
  enum class Limit { kCounted, kExempt };

  Handler handler;
  Limit limit = Limit::kCounted;
};

// By path. It must equal a request's path byte by byte: requests are not decoded or normalised.
using Routes = std::map<std::string, Route, std::less<>>;

// Returns the answer of the route's handler; 404 for other paths, 405 with Allow for methods other
// than GET and HEAD, 503 with Retry-After if no seat is free or the visit came after closing. Lets
// the handler's exceptions pass. Thread-safe.
Response dispatch(const Routes& routes, const Request& request, Admission::Visit& visit);

}  // namespace metrics::http
