#include "aggregator/http/gate.h"

#include <openssl/evp.h>

#include <string>
#include <string_view>
#include <utility>

#include "aggregator/http/ascii.h"

namespace metrics::http {
namespace {

struct Credentials {
  std::string name, password;
};

// Returns nothing if there are none, or they are not what RFC 7617 defines.
std::optional<Credentials> credentials_of(const Request& request) {
  constexpr std::string_view kScheme = "Basic ";
  const std::string header = request.header("Authorization");
  if (!equal_ignoring_case(std::string_view(header).substr(0, kScheme.size()), kScheme)) {
    return std::nullopt;
  }
  std::string_view encoded = std::string_view(header).substr(kScheme.size());
  if (encoded.empty() || encoded.size() % 4 != 0) return std::nullopt;
  std::string text(encoded.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(encoded.data()),
                                   static_cast<int>(encoded.size()));
  if (size < 0) return std::nullopt;
  // The padding is decoded to zeros.
  std::size_t padding = 0;
  while (padding < 2 && encoded.ends_with('=')) {
    encoded.remove_suffix(1);
    ++padding;
  }
  text.resize(static_cast<std::size_t>(size) - padding);
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  return Credentials{text.substr(0, colon), text.substr(colon + 1)};
}

Response unauthorized() {
  Response response = text_response(401, "Unauthorized\n");
  response.headers.emplace_back("WWW-Authenticate", "Basic");
  return response;
}

}  // namespace

std::optional<Response> Gate::refusal(const web::Rules& rules, const Request& request) {
  if (rules.limiter != nullptr && !rules.limiter->admit()) {
    return text_response(429, "Too many requests; see rate_limit.\n");
  }
  if (rules.users.empty()) return std::nullopt;
  const std::optional<Credentials> credentials = credentials_of(request);
  if (!credentials) return unauthorized();
  switch (passwords_.check(rules.users, credentials->name, credentials->password)) {
    case web::Passwords::Answer::kRight:
      return std::nullopt;
    case web::Passwords::Answer::kWrong:
      return unauthorized();
    case web::Passwords::Answer::kBusy:
      break;
  }
  Response busy = text_response(503, "Too many passwords are being checked.\n");
  busy.headers.emplace_back("Retry-After", "1");
  return busy;
}

}  // namespace metrics::http
