#include "aggregator/endpoints/health.h"

namespace metrics::endpoints {
namespace {

// Returns a page that always answers 200. It is exempt from the limit on requests: a busy daemon
// must not look like a dead one.
Endpoint always(const char* path, const char* title, const char* text) {
  const auto answer = [text](const http::Request&) { return http::text_response(200, text); };
  return {path, title, {answer, http::Route::Limit::kExempt}};
}

}  // namespace

Endpoint healthy() { return always("/-/healthy", "Healthy", "metrics-aggregator is healthy.\n"); }
Endpoint ready() { return always("/-/ready", "Ready", "metrics-aggregator is ready.\n"); }

}  // namespace metrics::endpoints
