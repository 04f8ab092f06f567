// tls.h -- an OpenSSL context for a server, made of a configuration.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "aggregator/web/config.h"

struct ssl_ctx_st;

namespace metrics::web {

struct PemTexts {
  std::string cert;  // the server's, then those that lead to its CA
  std::string key;
  std::string client_ca;
  friend bool operator==(const PemTexts&, const PemTexts&) = default;
};

struct Tls {
  std::shared_ptr<ssl_ctx_st> context;
  std::int64_t not_after = 0;  // when the server's certificate ends, in seconds since the epoch
};

// Makes a context, in which an idle connection keeps no buffers, and sessions are kept by clients
// only. Throws std::invalid_argument, with one line that names the field or its file, if the texts
// are not what they should be.
Tls make_tls(const TlsConfig& config, const PemTexts& texts);

}  // namespace metrics::web
