#include "aggregator/endpoints/http_sd.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace metrics::endpoints {
namespace {

// Returns true for a host and a port, as far as that can be told: Prometheus refuses the rest.
bool is_authority(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_:[]").find(c) != std::string_view::npos;
  });
}

}  // namespace

Endpoint http_sd(Reached from_outside, const std::string& metrics_path) {
  const auto answer = [from_outside = std::move(from_outside),
                       metrics_path](const http::Request& request) {
    const bool given = !from_outside.authority.empty();
    const std::string target = given ? from_outside.authority : request.header("Host");
    if (!is_authority(target)) return http::text_response(400, "A header Host is needed.\n");
    const nlohmann::json targets = {
        {{"targets", {target}},
         {"labels",
          {{"__scheme__", given ? from_outside.scheme : std::string(request.scheme)},
           {"__metrics_path__", metrics_path}}}}};
    http::Response response = http::text_response(200, targets.dump() + '\n');
    response.content_type = "application/json";
    return response;
  };
  return {"/http_sd", "Target, for http_sd_configs", {answer}};
}

}  // namespace metrics::endpoints
