#include "aggregator/web/tls_config.h"

#include <openssl/ssl.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <string_view>
#include <utility>

#include "aggregator/web/yaml_reader.h"

namespace metrics::web {
namespace {

constexpr std::array<Named<ClientAuth>, 6> kClientAuth = {{
    {"NoClientCert", ClientAuth::kNone},
    {"RequestClientCert", ClientAuth::kRequest},
    {"RequireAnyClientCert", ClientAuth::kRequireAny},
    {"VerifyClientCertIfGiven", ClientAuth::kVerifyIfGiven},
    {"RequireAndVerifyClientCert", ClientAuth::kRequireAndVerify},
    {"RequireClientCert", ClientAuth::kRequireAny},  // a former name
}};
constexpr std::array<Named<int>, 4> kVersions = {{{"TLS10", TLS1_VERSION},
                                                  {"TLS11", TLS1_1_VERSION},
                                                  {"TLS12", TLS1_2_VERSION},
                                                  {"TLS13", TLS1_3_VERSION}}};
constexpr std::array<Named<std::string_view>, 4> kCurves = {
    {{"CurveP256", "P-256"}, {"CurveP384", "P-384"}, {"CurveP521", "P-521"}, {"X25519", "X25519"}}};

// Returns a Take that stores the text of a field, or its file's path, relative to `folder`.
YamlReader::Take pem_into(const YamlReader& read, Pem& pem, const char* field,
                          const std::string* folder) {
  return [&read, &pem, field, folder](const YAML::Node& node) {
    std::string value = read.text(node);
    if (value.empty()) return;
    if (pem.given()) {
      read.refuse(node, std::string(field) + " and " + pem.field + " are both there; keep one");
    }
    pem = {.field = field, .line = YamlReader::line_of(node)};
    if (folder == nullptr) {
      pem.text = std::move(value);
    } else {
      pem.file = value.starts_with('/') ? value : *folder + value;
    }
  };
}

void take_ciphers(const YamlReader& read, const YAML::Node& node, TlsConfig& tls) {
  for (const YAML::Node& item : node) {
    const std::string name = read.text(item);
    // From the names that RFCs and Go have to OpenSSL's own.
    const std::string own = OPENSSL_cipher_name(name.c_str());
    if (own == "(NONE)") read.refuse(item, "cipher suite " + quoted(name) + " is not known");
    std::string& list = own.starts_with("TLS_") ? tls.ciphersuites : tls.cipher_list;
    list += (list.empty() ? "" : ":") + own;
  }
}

void take_curves(const YamlReader& read, const YAML::Node& node, TlsConfig& tls) {
  for (const YAML::Node& item : node) {
    tls.groups += tls.groups.empty() ? "" : ":";
    tls.groups += read.one_of(item, kCurves);
  }
}

// Checks what concerns several fields.
void check(const YamlReader& read, TlsConfig& tls, int version_line, int cipher_line) {
  if (!tls.cert.given()) read.refuse(tls.line, "tls_server_config needs cert_file, or cert");
  if (!tls.key.given()) read.refuse(tls.line, "tls_server_config needs key_file, or key");
  if (tls.min_version > tls.max_version) {
    read.refuse(version_line, "min_version is above max_version");
  }
  const bool verifies = tls.client_auth >= ClientAuth::kVerifyIfGiven;
  if (verifies && !tls.client_ca.given()) {
    read.refuse(tls.line, "this client_auth_type needs client_ca_file, or client_ca");
  }
  if (tls.client_auth == ClientAuth::kNone && tls.client_ca.given()) {
    read.refuse(tls.client_ca.line,
                "a client CA needs a client_auth_type, e.g. RequireAndVerifyClientCert");
  }
  if (tls.client_auth == ClientAuth::kNone && tls.client_allowed_sans) {
    read.refuse(tls.line,
                "client_allowed_sans needs a client_auth_type, e.g. RequireAndVerifyClientCert");
  }
  if (tls.cipher_list.empty() && !tls.ciphersuites.empty()) {
    // The list names suites, and none for TLS 1.2.
    if (tls.max_version < TLS1_3_VERSION) {
      read.refuse(cipher_line, "cipher_suites has none that max_version allows");
    }
    tls.min_version = TLS1_3_VERSION;
  }
}

}  // namespace

std::optional<TlsConfig> read_tls(const YamlReader& read, const YAML::Node& node,
                                  const std::string& folder) {
  TlsConfig tls{.line = YamlReader::line_of(node),
                .min_version = TLS1_2_VERSION,
                .max_version = TLS1_3_VERSION};
  int version_line = tls.line;
  int cipher_line = tls.line;
  const std::array<YamlReader::Field, 13> known = {{
      {"cert", pem_into(read, tls.cert, "cert", nullptr)},
      {"key", pem_into(read, tls.key, "key", nullptr)},
      {"client_ca", pem_into(read, tls.client_ca, "client_ca", nullptr)},
      {"cert_file", pem_into(read, tls.cert, "cert_file", &folder)},
      {"key_file", pem_into(read, tls.key, "key_file", &folder)},
      {"client_ca_file", pem_into(read, tls.client_ca, "client_ca_file", &folder)},
      {"client_auth_type",
       [&](const YAML::Node& n) { tls.client_auth = read.one_of(n, kClientAuth); }},
      {"client_allowed_sans",
       [&](const YAML::Node& n) { tls.client_allowed_sans = read.texts(n); }},
      {"min_version",
       [&](const YAML::Node& n) {
         tls.min_version = read.one_of(n, kVersions);
         version_line = YamlReader::line_of(n);
       }},
      {"max_version",
       [&](const YAML::Node& n) {
         tls.max_version = read.one_of(n, kVersions);
         version_line = YamlReader::line_of(n);
       }},
      {"cipher_suites",
       [&](const YAML::Node& n) {
         read.texts(n);
         take_ciphers(read, n, tls);
         cipher_line = YamlReader::line_of(n);
       }},
      {"prefer_server_cipher_suites",
       [&](const YAML::Node& n) { tls.prefer_server_ciphers = read.boolean(n); }},
      {"curve_preferences",
       [&](const YAML::Node& n) {
         read.texts(n);
         take_curves(read, n, tls);
       }},
  }};
  read.fields(node, "tls_server_config", known);
  if (node.size() == 0) return std::nullopt;
  check(read, tls, version_line, cipher_line);
  return tls;
}

}  // namespace metrics::web
