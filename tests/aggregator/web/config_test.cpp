// What a web configuration file says, and what it is refused for.
#include "aggregator/web/config.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace metrics::web {
namespace {

using namespace std::chrono_literals;

Config read(const std::string& text) { return read_config(text, "/etc/metrics/web.yml"); }

// What it is refused for, without the path; "" if it is not.
std::string refusal(const std::string& text) {
  try {
    read(text);
    return "";
  } catch (const std::invalid_argument& e) {
    const std::string prefix = "/etc/metrics/web.yml:";
    EXPECT_TRUE(std::string(e.what()).starts_with(prefix)) << e.what();
    return std::string(e.what()).substr(prefix.size());
  }
}

constexpr const char* kPair = "tls_server_config:\n  cert_file: c.pem\n  key_file: /k.pem\n";

TEST(WebConfig, DemandsNothingWhenItIsEmpty) {
  for (const char* text : {"", "# a comment\n", "---\n", "tls_server_config: {}\n",
                           "tls_server_config:\nbasic_auth_users:\nrate_limit:\n"}) {
    const Config config = read(text);
    EXPECT_FALSE(config.tls) << text;
    EXPECT_TRUE(config.users.empty() && config.headers.empty()) << text;
    EXPECT_EQ(config.rate_limit, RateLimit()) << text;
  }
}

TEST(WebConfig, HasTheDefaultsOfExporterToolkit) {
  const Config config = read(kPair);
  ASSERT_TRUE(config.tls);
  EXPECT_EQ(config.tls->client_auth, ClientAuth::kNone);
  EXPECT_EQ(config.tls->min_version, TLS1_2_VERSION);
  EXPECT_EQ(config.tls->max_version, TLS1_3_VERSION);
  EXPECT_TRUE(config.tls->prefer_server_ciphers);
  EXPECT_FALSE(config.tls->client_allowed_sans);
}

TEST(WebConfig, FindsFilesRelativeToItsOwnFolder) {
  const Config config = read(kPair);
  EXPECT_EQ(config.tls->cert.file, "/etc/metrics/c.pem");
  EXPECT_EQ(config.tls->key.file, "/k.pem");
  EXPECT_EQ(read_config(kPair, "web.yml").tls->cert.file, "c.pem");
}

TEST(WebConfig, HoldsEverythingThatTheFormatHas) {
  const Config config = read(R"(
tls_server_config:
  cert: |
    inline certificate
  key: inline key
  client_ca: inline CA
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [a.example, 10.0.0.1]
  min_version: TLS12
  max_version: TLS13
  cipher_suites:
    - TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
    - TLS_AES_128_GCM_SHA256
    - TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
  prefer_server_cipher_suites: false
  curve_preferences: [X25519, CurveP256]
http_server_config:
  http2: true
  headers:
    Strict-Transport-Security: max-age=1
    X-Frame-Options: deny
    X-XSS-Protection: ""
basic_auth_users:
  alice: $2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG
rate_limit:
  interval: 1m0.5s
  burst: 7
)");
  EXPECT_EQ(config.tls->cert.text, "inline certificate\n");
  EXPECT_EQ(config.tls->key.text, "inline key");
  EXPECT_EQ(config.tls->client_ca.text, "inline CA");
  EXPECT_EQ(config.tls->client_auth, ClientAuth::kRequireAndVerify);
  EXPECT_EQ(*config.tls->client_allowed_sans, (std::vector<std::string>{"a.example", "10.0.0.1"}));
  EXPECT_EQ(config.tls->cipher_list, "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305");
  EXPECT_EQ(config.tls->ciphersuites, "TLS_AES_128_GCM_SHA256");
  EXPECT_FALSE(config.tls->prefer_server_ciphers);
  EXPECT_EQ(config.tls->groups, "X25519:P-256");
  EXPECT_TRUE(config.wants_http2);
  EXPECT_EQ(config.headers,
            (Headers{{"Strict-Transport-Security", "max-age=1"}, {"X-Frame-Options", "deny"}}));
  EXPECT_EQ(config.users.size(), 1u);
  EXPECT_TRUE(config.users.at("alice").starts_with("$2y$10$X0h1"));
  EXPECT_EQ(config.rate_limit, (RateLimit{60'500ms, 7}));
}

TEST(WebConfig, ReadsDurationsAsGoDoes) {
  const std::vector<std::pair<std::string, std::chrono::nanoseconds>> cases = {
      {"0", 0ns},        {"5", 5ns},        {"1s", 1s},       {"100ms", 100ms},
      {"1h2m3s", 3723s}, {"1.5us", 1500ns}, {"2\u00b5s", 2us}};
  for (const auto& [text, duration] : cases) {
    EXPECT_EQ(read("rate_limit: {burst: 1, interval: " + text + "}").rate_limit.interval, duration)
        << text;
  }
  for (const char* text : {"s", "1 s", "-1s", "1s2", "1d", "\"\"", "nan", "1e30s"}) {
    EXPECT_EQ(refusal(std::string("rate_limit: {burst: 1, interval: ") + text + "}"),
              "1: a duration is expected here, e.g. 1s or 100ms")
        << text;
  }
}

TEST(WebConfig, RaisesTheLeastVersionWhereItsSuitesAreOfTheNewestOnly) {
  const std::string only = std::string(kPair) + "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n";
  EXPECT_EQ(read(only).tls->min_version, TLS1_3_VERSION);
  EXPECT_EQ(refusal(only + "  max_version: TLS12\n"),
            "4: cipher_suites has none that max_version allows");
}

TEST(WebConfig, NamesTheLineOfWhatCantBeMeant) {
  const std::string pair = kPair;
  const std::string hash = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\n\ntls_config: {}\n", "3: field \"tls_config\" is not known in the file"},
      {pair + "  certfile: x\n", "4: field \"certfile\" is not known in tls_server_config"},
      {pair + "  cert_file: x\n", "4: \"cert_file\" is there twice in tls_server_config"},
      {pair + "  cert: x\n", "4: cert and cert_file are both there; keep one"},
      {"tls_server_config:\n  key_file: k\n", "2: tls_server_config needs cert_file, or cert"},
      {"tls_server_config:\n  cert_file: c\n  key_file: ''\n",
       "2: tls_server_config needs key_file, or key"},
      {"tls_server_config:\n  min_version: TLS12\n",
       "2: tls_server_config needs cert_file, or cert"},
      {pair + "  client_auth_type: Perhaps\n",
       "4: \"Perhaps\" is not known; write NoClientCert, RequestClientCert, RequireAnyClientCert, "
       "VerifyClientCertIfGiven, RequireAndVerifyClientCert or RequireClientCert"},
      {pair + "  client_auth_type: RequireAndVerifyClientCert\n",
       "2: this client_auth_type needs client_ca_file, or client_ca"},
      {pair + "  client_ca_file: ca\n",
       "4: a client CA needs a client_auth_type, e.g. RequireAndVerifyClientCert"},
      {pair + "  client_allowed_sans: [x]\n",
       "2: client_allowed_sans needs a client_auth_type, e.g. RequireAndVerifyClientCert"},
      {pair + "  min_version: TLS14\n",
       "4: \"TLS14\" is not known; write TLS10, TLS11, TLS12 or TLS13"},
      {pair + "  min_version: TLS13\n  max_version: TLS12\n",
       "5: min_version is above max_version"},
      {pair + "  cipher_suites:\n  - TLS_NONE_WITH_NOTHING\n",
       "5: cipher suite \"TLS_NONE_WITH_NOTHING\" is not known"},
      {pair + "  cipher_suites: x\n", "4: a list is expected here: \"- value\" lines"},
      {pair + "  curve_preferences: [P256]\n",
       "4: \"P256\" is not known; write CurveP256, CurveP384, CurveP521 or X25519"},
      {pair + "  prefer_server_cipher_suites: perhaps\n", "4: true or false is expected here"},
      {pair + "  cert_file: [x]\n", "4: \"cert_file\" is there twice in tls_server_config"},
      {"tls_server_config:\n  cert_file: [x]\n", "2: a text is expected here"},
      {"tls_server_config: x\n", "1: tls_server_config must be a mapping: \"name: value\" lines"},
      {"- x\n", "1: the file must be a mapping: \"name: value\" lines"},
      {"http_server_config:\n  headers:\n    Server: x\n",
       "3: header \"Server\" can't be set here; Content-Security-Policy, X-Frame-Options, "
       "X-Content-Type-Options, X-XSS-Protection or Strict-Transport-Security can"},
      {"http_server_config:\n  headers:\n    X-Frame-Options: allow\n",
       "3: X-Frame-Options must be deny or sameorigin"},
      {"http_server_config:\n  headers:\n    X-Content-Type-Options: sniff\n",
       "3: X-Content-Type-Options must be nosniff"},
      {"http_server_config:\n  headers:\n    X-XSS-Protection: \"a\\r\\nb\"\n",
       "3: X-XSS-Protection must be one line, without control characters"},
      {"basic_auth_users:\n  alice: secret\n",
       "2: the password of \"alice\" must be a bcrypt hash, as \"htpasswd -nB NAME\" prints it"},
      {"basic_auth_users:\n  al:ice: " + hash + "\n",
       "2: a user's name must not be empty or have a colon"},
      {"basic_auth_users:\n  \"\": " + hash + "\n",
       "2: a user's name must not be empty or have a colon"},
      {"basic_auth_users:\n  alice: " + hash + "\n  alice: " + hash + "\n",
       "3: \"alice\" is there twice in basic_auth_users"},
      {"rate_limit:\n  interval: 1s\n",
       "2: rate_limit needs a burst of at least 1: without, no request would be served"},
      {"rate_limit:\n  burst: -1\n", "2: a number that is not negative is expected here"},
      {"rate_limit:\n  burst: 1.5\n", "2: a number that is not negative is expected here"},
      {"---\n---\n{}\n", "3: this is a second document; keep one"},
      {"a:\n  b: [\n", "3: this is not YAML: end of sequence flow not found"},
      {"tls_server_config\n  cert_file: c\n", "2: this is not YAML: illegal map value"},
      {"tls_server_config:\n\tcert_file: c\n", "2: it is indented with a tab; write spaces"},
      {pair + "\tmin_version: TLS12\n", "4: it is indented with a tab; write spaces"},
  };
  for (const auto& [text, why] : cases) EXPECT_EQ(refusal(text), why) << text;
}

TEST(WebConfig, TakesBcryptHashesOfEachKindAndNothingElse) {
  const std::string rest = "X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";
  const auto taken = [](const std::string& hash) {
    return refusal("basic_auth_users: {a: \"" + hash + "\"}").empty();
  };
  for (const char* kind : {"$2y$10$", "$2a$04$", "$2b$31$"})
    EXPECT_TRUE(taken(kind + rest)) << kind;
  for (const char* kind :
       {"$2x$10$", "$1$y$10$", "$2y$03$", "$2y$32$", "$2y$1x$", "$2y$10.", "$6y$10$", "$2y-10$"}) {
    EXPECT_FALSE(taken(kind + rest)) << kind;
  }
  EXPECT_FALSE(taken("$2y$10$" + rest + "x"));
  EXPECT_FALSE(taken("$2y$10$" + rest.substr(1)));
  EXPECT_FALSE(taken("$2y$10$" + rest.substr(1) + "!"));
}

TEST(WebConfig, QuotesNoSecret) {
  const std::string text =
      "basic_auth_users:\n  alice: hunter2\ntls_server_config:\n  key: hunter2\n";
  EXPECT_EQ(refusal(text).find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace metrics::web
