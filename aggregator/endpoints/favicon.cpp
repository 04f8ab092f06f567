#include "aggregator/endpoints/favicon.h"

#include <string>

namespace metrics::endpoints {

Endpoint favicon() {
  // Three counters, the last one higher.
  http::Response response = http::text_response(
      200,
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\">"
      "<path fill=\"#36c\" d=\"M1 9h4v6H1zM6 6h4v9H6zM11 1h4v14h-4z\"/></svg>\n");
  response.content_type = "image/svg+xml";
  response.headers = {{"Cache-Control", "max-age=86400"}};
  return {"/favicon.ico", "", {[response](const http::Request&) { return response; }}};
}

}  // namespace metrics::endpoints
