#include "aggregator/web/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

#include "aggregator/web/tls_config.h"
#include "aggregator/web/yaml_reader.h"

namespace metrics::web {
namespace {

// The headers that exporter-toolkit allows, with the values that it allows; none: any value.
struct Header {
  std::string_view name;
  std::array<std::string_view, 2> values;
};
constexpr std::array<Header, 5> kHeaders = {{{"Content-Security-Policy", {}},
                                             {"X-Frame-Options", {"deny", "sameorigin"}},
                                             {"X-Content-Type-Options", {"nosniff"}},
                                             {"X-XSS-Protection", {}},
                                             {"Strict-Transport-Security", {}}}};

Headers read_headers(const YamlReader& read, const YAML::Node& node) {
  Headers headers;
  read.entries(
      node, "headers",
      [&](const std::string& name, const YAML::Node& key, const YAML::Node& node_of_value) {
        const auto header = std::find_if(kHeaders.begin(), kHeaders.end(),
                                         [&](const Header& h) { return h.name == name; });
        if (header == kHeaders.end()) {
          std::vector<std::string> names;
          for (const Header& h : kHeaders) names.emplace_back(h.name);
          read.refuse(key,
                      "header " + quoted(name) + " can't be set here; " + list_of(names) + " can");
        }
        const std::string value = node_of_value.IsNull() ? "" : read.text(node_of_value);
        if (value.empty()) return;
        const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
        if (std::any_of(value.begin(), value.end(), is_control)) {
          read.refuse(node_of_value, name + " must be one line, without control characters");
        }
        const auto& allowed = header->values;
        if (!allowed.front().empty() &&
            std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
          std::vector<std::string> names(allowed.begin(),
                                         std::find(allowed.begin(), allowed.end(), ""));
          read.refuse(node_of_value, name + " must be " + list_of(names));
        }
        headers.emplace_back(name, value);
      });
  return headers;
}

// Returns true for "$2y$10$" and 53 characters of salt and hash, of a kind that crypt(3) knows.
bool is_bcrypt(std::string_view hash) {
  constexpr std::size_t kSize = 60;
  constexpr std::string_view kAlphabet =
      "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  if (hash.size() != kSize || hash.substr(0, 2) != "$2" || hash[3] != '$' || hash[6] != '$' ||
      std::string_view("aby").find(hash[2]) == std::string_view::npos) {
    return false;
  }
  int cost = 0;
  const auto [end, error] = std::from_chars(hash.data() + 4, hash.data() + 6, cost);
  return error == std::errc() && end == hash.data() + 6 && cost >= 4 && cost <= 31 &&
         hash.substr(7).find_first_not_of(kAlphabet) == std::string_view::npos;
}

Users read_users(const YamlReader& read, const YAML::Node& node) {
  Users users;
  read.entries(node, "basic_auth_users",
               [&](const std::string& name, const YAML::Node& key, const YAML::Node& hash) {
                 if (name.empty() || name.find(':') != std::string::npos) {
                   read.refuse(key, "a user's name must not be empty or have a colon");
                 }
                 if (!hash.IsScalar() || !is_bcrypt(hash.Scalar())) {
                   read.refuse(key,
                               "the password of " + quoted(name) +
                                   " must be a bcrypt hash, as \"htpasswd -nB NAME\" prints it");
                 }
                 users.emplace(name, hash.Scalar());
               });
  return users;
}

RateLimit read_rate_limit(const YamlReader& read, const YAML::Node& node) {
  RateLimit limit;
  const std::array<YamlReader::Field, 2> known = {{
      {"interval", [&](const YAML::Node& n) { limit.interval = read.duration(n); }},
      {"burst", [&](const YAML::Node& n) { limit.burst = read.count(n); }},
  }};
  read.fields(node, "rate_limit", known);
  if (limit.interval.count() > 0 && limit.burst < 1) {
    read.refuse(node,
                "rate_limit needs a burst of at least 1: without, no request would be served");
  }
  return limit;
}

}  // namespace

Config read_config(const std::string& text, const std::string& path) {
  const YamlReader read(path);
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  Config config;
  const std::array<YamlReader::Field, 2> http = {{
      {"http2", [&](const YAML::Node& n) { config.wants_http2 = read.boolean(n); }},
      {"headers", [&](const YAML::Node& n) { config.headers = read_headers(read, n); }},
  }};
  const std::array<YamlReader::Field, 4> known = {{
      {"tls_server_config", [&](const YAML::Node& n) { config.tls = read_tls(read, n, folder); }},
      {"http_server_config",
       [&](const YAML::Node& n) { read.fields(n, "http_server_config", http); }},
      {"basic_auth_users", [&](const YAML::Node& n) { config.users = read_users(read, n); }},
      {"rate_limit", [&](const YAML::Node& n) { config.rate_limit = read_rate_limit(read, n); }},
  }};
  const YAML::Node root = read.document(text);
  if (!root.IsNull()) read.fields(root, "the file", known);
  return config;
}

}  // namespace metrics::web
