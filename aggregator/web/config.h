// config.h -- what a web configuration file demands, in exporter-toolkit's format, as plain data.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace metrics::web {

// PEM text that the configuration has, or names a file of.
struct Pem {
  std::string field = {};  // of the configuration, for messages: "cert_file"
  std::string file = {};   // its path; empty: `text` is what the configuration has
  std::string text = {};
  int line = 0;  // of the configuration; 0: it has neither
  bool given() const noexcept { return line != 0; }
};

// Ordered by how much each demands.
enum class ClientAuth { kNone, kRequest, kRequireAny, kVerifyIfGiven, kRequireAndVerify };

struct TlsConfig {
  int line = 0;  // of tls_server_config
  Pem cert = {}, key = {}, client_ca = {};
  ClientAuth client_auth = ClientAuth::kNone;
  std::optional<std::vector<std::string>> client_allowed_sans = {};
  int min_version = 0;  // OpenSSL's number
  int max_version = 0;
  std::string cipher_list = {};   // up to TLS 1.2, by OpenSSL's names; empty: OpenSSL's default
  std::string ciphersuites = {};  // of TLS 1.3, in the same way
  std::string groups = {};        // for key agreement, in the same way
  bool prefer_server_ciphers = true;
};

struct RateLimit {
  std::chrono::nanoseconds interval{0};  // from one request to the next; 0: no limit
  int burst = 0;                         // so many may come at once
  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

using Headers = std::vector<std::pair<std::string, std::string>>;
using Users = std::map<std::string, std::string, std::less<>>;  // a bcrypt hash for each name

struct Config {
  std::optional<TlsConfig> tls;
  Headers headers;  // for each response
  Users users;      // none: everybody may ask
  RateLimit rate_limit;
  bool wants_http2 = false;  // it says so; this server has none
};

// Reads the text of a file. Relative paths in it are relative to the folder of `path`. Throws
// std::invalid_argument, with one line that begins with "PATH:LINE: " and quotes no secret, for
// fields that are unknown or given twice, and for values that can't be meant.
Config read_config(const std::string& text, const std::string& path);

}  // namespace metrics::web
