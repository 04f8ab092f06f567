#include "aggregator/web/config.h"

#include <openssl/ssl.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <span>
#include <stdexcept>

namespace metrics::web {
namespace {

template <typename Value>
struct Named {
  std::string_view name;
  Value value;
};

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

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

// Returns the names as "a, b or c".
template <typename Range>
std::string list_of(const Range& names) {
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) list += i + 1 == names.size() ? " or " : ", ";
    list += names[i];
  }
  return list;
}

// Reads nodes of one file. What is missing (`field:`) is as if it were not there.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  [[noreturn]] void refuse(int line, const std::string& why) const {
    throw std::invalid_argument(path_ + ':' + std::to_string(line) + ": " + why);
  }
  [[noreturn]] void refuse(const YAML::Node& node, const std::string& why) const {
    refuse(line_of(node), why);
  }

  static int line_of(const YAML::Node& node) { return node.Mark().line + 1; }

  using Take = std::function<void(const YAML::Node&)>;
  struct Field {
    std::string_view name;
    Take take;
  };

  // Calls, for each entry of a mapping that has a value, what takes the field of that name.
  void fields(const YAML::Node& node, const std::string& where,
              std::span<const Field> known) const {
    entries(node, where,
            [&](const std::string& name, const YAML::Node& key, const YAML::Node& value) {
              const auto field = std::find_if(known.begin(), known.end(),
                                              [&](const Field& f) { return f.name == name; });
              if (field == known.end()) {
                refuse(key, "field " + quoted(name) + " is not known in " + where);
              }
              if (!value.IsNull()) field->take(value);
            });
  }

  void entries(const YAML::Node& node, const std::string& where,
               const std::function<void(const std::string&, const YAML::Node&, const YAML::Node&)>&
                   take) const {
    if (!node.IsMap()) refuse(node, where + " must be a mapping: \"name: value\" lines");
    std::set<std::string> seen;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) refuse(entry.first, "a name is missing in " + where);
      const std::string& name = entry.first.Scalar();
      if (!seen.insert(name).second) {
        refuse(entry.first, quoted(name) + " is there twice in " + where);
      }
      take(name, entry.first, entry.second);
    }
  }

  std::string text(const YAML::Node& node) const {
    if (!node.IsScalar()) refuse(node, "a text is expected here");
    return node.Scalar();
  }

  std::vector<std::string> texts(const YAML::Node& node) const {
    if (!node.IsSequence()) refuse(node, "a list is expected here: \"- value\" lines");
    std::vector<std::string> values;
    for (const YAML::Node& value : node) values.push_back(text(value));
    return values;
  }

  bool boolean(const YAML::Node& node) const {
    bool value = false;
    if (!node.IsScalar() || !YAML::convert<bool>::decode(node, value)) {
      refuse(node, "true or false is expected here");
    }
    return value;
  }

  int count(const YAML::Node& node) const {
    const std::string digits = text(node);
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || value < 0) {
      refuse(node, "a number that is not negative is expected here");
    }
    return value;
  }

  // Reads a duration as Go spells it: "1s", "1m30s", "1.5ms"; a number alone is nanoseconds.
  std::chrono::nanoseconds duration(const YAML::Node& node) const {
    const std::string given = text(node);
    std::string_view rest = given;
    double sum = 0;
    while (!rest.empty()) {
      const bool first = rest.size() == given.size();
      double value = 0;
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
      rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
      const std::size_t unit_size = std::min(rest.find_first_of("0123456789."), rest.size());
      const double unit = nanoseconds_of(rest.substr(0, unit_size), first && rest.empty());
      if (error != std::errc() || unit == 0) break;
      rest.remove_prefix(unit_size);
      sum += value * unit;
      if (rest.empty() && sum >= 0 && sum < kLongest) {
        return std::chrono::nanoseconds(std::llround(sum));
      }
    }
    refuse(node, "a duration is expected here, e.g. 1s or 100ms");
  }

  // Returns the value that stands for a name.
  template <typename Value, std::size_t kSize>
  Value one_of(const YAML::Node& node, const std::array<Named<Value>, kSize>& known) const {
    const std::string given = text(node);
    for (const auto& [name, value] : known) {
      if (name == given) return value;
    }
    std::vector<std::string> names;
    for (const auto& [name, value] : known) names.emplace_back(name);
    refuse(node, quoted(given) + " is not known; write " + list_of(names));
  }

 private:
  static constexpr double kLongest = 9e18;  // in nanoseconds: what 64 bits hold

  static double nanoseconds_of(std::string_view unit, bool number_alone) {
    constexpr std::array<Named<double>, 8> kUnits = {{{"ns", 1},
                                                      {"us", 1e3},
                                                      {"\u00b5s", 1e3},
                                                      {"\u03bcs", 1e3},
                                                      {"ms", 1e6},
                                                      {"s", 1e9},
                                                      {"m", 60e9},
                                                      {"h", 3600e9}}};
    if (unit.empty()) return number_alone ? 1 : 0;
    for (const auto& [name, value] : kUnits) {
      if (name == unit) return value;
    }
    return 0;
  }

  const std::string& path_;
};

// Returns a Take that stores the text of a field, or its file's path, relative to `folder`.
Reader::Take pem_into(const Reader& read, Pem& pem, const char* field, const std::string* folder) {
  return [&read, &pem, field, folder](const YAML::Node& node) {
    std::string value = read.text(node);
    if (value.empty()) return;
    if (pem.given()) {
      read.refuse(node, std::string(field) + " and " + pem.field + " are both there; keep one");
    }
    pem = {.field = field, .line = Reader::line_of(node)};
    if (folder == nullptr) {
      pem.text = std::move(value);
    } else {
      pem.file = value.starts_with('/') ? value : *folder + value;
    }
  };
}

void take_ciphers(const Reader& read, const YAML::Node& node, TlsConfig& tls) {
  for (const YAML::Node& item : node) {
    const std::string name = read.text(item);
    // From the names that RFCs and Go have to OpenSSL's own.
    const std::string own = OPENSSL_cipher_name(name.c_str());
    if (own == "(NONE)") read.refuse(item, "cipher suite " + quoted(name) + " is not known");
    std::string& list = own.starts_with("TLS_") ? tls.ciphersuites : tls.cipher_list;
    list += (list.empty() ? "" : ":") + own;
  }
}

void take_curves(const Reader& read, const YAML::Node& node, TlsConfig& tls) {
  for (const YAML::Node& item : node) {
    tls.groups += tls.groups.empty() ? "" : ":";
    tls.groups += read.one_of(item, kCurves);
  }
}

// Checks what concerns several fields.
void check(const Reader& read, TlsConfig& tls, int version_line, int cipher_line) {
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

std::optional<TlsConfig> read_tls(const Reader& read, const YAML::Node& node,
                                  const std::string& folder) {
  TlsConfig tls{
      .line = Reader::line_of(node), .min_version = TLS1_2_VERSION, .max_version = TLS1_3_VERSION};
  int version_line = tls.line;
  int cipher_line = tls.line;
  const std::array<Reader::Field, 13> known = {{
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
         version_line = Reader::line_of(n);
       }},
      {"max_version",
       [&](const YAML::Node& n) {
         tls.max_version = read.one_of(n, kVersions);
         version_line = Reader::line_of(n);
       }},
      {"cipher_suites",
       [&](const YAML::Node& n) {
         read.texts(n);
         take_ciphers(read, n, tls);
         cipher_line = Reader::line_of(n);
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

Headers read_headers(const Reader& read, const YAML::Node& node) {
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

Users read_users(const Reader& read, const YAML::Node& node) {
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

RateLimit read_rate_limit(const Reader& read, const YAML::Node& node) {
  RateLimit limit;
  const std::array<Reader::Field, 2> known = {{
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

YAML::Node parsed(const Reader& read, const std::string& text) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) read.refuse(documents[1], "this is a second document; keep one");
    return documents.empty() ? YAML::Node() : documents.front();
  } catch (const YAML::Exception& e) {
    read.refuse(std::max(e.mark.line, 0) + 1, e.msg);
  }
}

}  // namespace

Config read_config(const std::string& text, const std::string& path) {
  const Reader read(path);
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  Config config;
  const std::array<Reader::Field, 2> http = {{
      {"http2", [&](const YAML::Node& n) { config.wants_http2 = read.boolean(n); }},
      {"headers", [&](const YAML::Node& n) { config.headers = read_headers(read, n); }},
  }};
  const std::array<Reader::Field, 4> known = {{
      {"tls_server_config", [&](const YAML::Node& n) { config.tls = read_tls(read, n, folder); }},
      {"http_server_config",
       [&](const YAML::Node& n) { read.fields(n, "http_server_config", http); }},
      {"basic_auth_users", [&](const YAML::Node& n) { config.users = read_users(read, n); }},
      {"rate_limit", [&](const YAML::Node& n) { config.rate_limit = read_rate_limit(read, n); }},
  }};
  const YAML::Node root = parsed(read, text);
  if (!root.IsNull()) read.fields(root, "the file", known);
  return config;
}

}  // namespace metrics::web
