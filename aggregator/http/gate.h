// gate.h -- refuses requests that the web configuration does not let in.
#pragma once

#include <optional>

#include "aggregator/http/message.h"
#include "aggregator/web/passwords.h"
#include "aggregator/web/rules_file.h"

namespace metrics::http {

// Thread-safe.
class Gate {
 public:
  // Returns an empty optional if the request may be served. Otherwise returns what answers it: 429
  // above the rate limit; 401 without a user's name and password; 503 if too many passwords are
  // being checked. May take as long as a bcrypt hash: never call it on a thread that others need.
  std::optional<Response> refusal(const web::Rules& rules, const Request& request);

 private:
  web::Passwords passwords_;
};

}  // namespace metrics::http
