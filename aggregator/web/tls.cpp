#include "aggregator/web/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace metrics::web {
namespace {

template <auto kFree>
struct Free {
  void operator()(auto* object) const noexcept { kFree(object); }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;

[[noreturn]] void refuse(const Pem& pem, const std::string& why) {
  ERR_clear_error();
  throw std::invalid_argument(pem.field + (pem.file.empty() ? "" : " " + pem.file) + ": " + why);
}

// Returns OpenSSL's word for what went wrong last.
std::string reason() {
  const char* const text = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return text != nullptr ? text : "unknown error";
}

void demand(bool done, const char* what) {
  if (!done) throw std::invalid_argument(std::string(what) + ": " + reason());
}

Bio reader_of(const std::string& text) {
  Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (bio == nullptr) throw std::bad_alloc();
  return bio;
}

// Nobody is there to type a password.
int no_password(char*, int, int, void*) noexcept { return -1; }

// Calls `take` with each certificate of a text. Throws if there is none, or something is broken.
void each_certificate(const Pem& pem, const std::string& text, const auto& take) {
  const Bio bio = reader_of(text);
  ERR_clear_error();
  bool any = false;
  while (Certificate certificate{PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)}) {
    any = true;
    take(std::move(certificate));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!any && at_end) refuse(pem, "there is no certificate (\"BEGIN CERTIFICATE\") in it");
  if (!at_end) refuse(pem, "a certificate in it is damaged");
  ERR_clear_error();
}

std::int64_t end_of(const X509* certificate) {
  std::tm utc{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &utc) != 1) return 0;
  return ::timegm(&utc);
}

// Returns the server's certificate's end.
std::int64_t use_certificates(SSL_CTX* context, const Pem& pem, const std::string& text) {
  std::int64_t not_after = 0;
  bool first = true;
  each_certificate(pem, text, [&](Certificate certificate) {
    if (std::exchange(first, false)) {
      not_after = end_of(certificate.get());
      if (SSL_CTX_use_certificate(context, certificate.get()) != 1) refuse(pem, reason());
    } else if (SSL_CTX_add0_chain_cert(context, certificate.get()) == 1) {
      static_cast<void>(certificate.release());
    } else {
      refuse(pem, reason());
    }
  });
  return not_after;
}

void use_key(SSL_CTX* context, const TlsConfig& config, const std::string& text) {
  const Bio bio = reader_of(text);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key == nullptr) {
    const bool encrypted = text.find("ENCRYPTED") != std::string::npos;
    refuse(config.key, encrypted ? "the key is encrypted; decrypt it, e.g. with openssl pkey"
                                 : "there is no private key (\"BEGIN PRIVATE KEY\") in it");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    const std::string& cert = config.cert.file.empty() ? config.cert.field : config.cert.file;
    refuse(config.key, "it is not the key of " + cert);
  }
}

void trust(SSL_CTX* context, const Pem& pem, const std::string& text) {
  each_certificate(pem, text, [&](const Certificate& certificate) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get()) != 1 ||
        SSL_CTX_add_client_CA(context, certificate.get()) != 1) {
      refuse(pem, reason());
    }
  });
}

std::string text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

// Returns a subject alternative name as exporter-toolkit compares it; empty for other kinds.
std::string spelled(const GENERAL_NAME* name) {
  switch (name->type) {
    case GEN_DNS:
    case GEN_EMAIL:
    case GEN_URI:
      return text_of(name->d.ia5);
    case GEN_IPADD: {
      const std::string bytes = text_of(name->d.iPAddress);
      std::array<char, INET6_ADDRSTRLEN> text{};
      const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
      if (bytes.size() != 4 && bytes.size() != 16) return "";
      ::inet_ntop(family, bytes.data(), text.data(), text.size());
      return text.data();
    }
    default:
      return "";
  }
}

bool has_allowed_name(X509* certificate, const std::vector<std::string>& allowed) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const std::string name = spelled(sk_GENERAL_NAME_value(names.get(), i));
    if (!name.empty() && std::find(allowed.begin(), allowed.end(), name) != allowed.end()) {
      return true;
    }
  }
  return false;
}

// What the check of a client's certificate needs of the configuration. A context owns it: there are
// connections that live longer than the configuration by which they were made.
struct ClientRules {
  bool verifies;  // that its CA is known
  std::optional<std::vector<std::string>> allowed_sans;
};

void free_rules(void*, void* rules, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<ClientRules*>(rules);
}

int rules_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_rules);
  return index;
}

// Called for each certificate of a client's chain, the client's own at depth 0.
int on_client_certificate(int known, X509_STORE_CTX* store) {
  const auto* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto& rules =
      *static_cast<const ClientRules*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), rules_index()));
  if (known != 1 && rules.verifies) return 0;
  if (!rules.allowed_sans || X509_STORE_CTX_get_error_depth(store) != 0) return 1;
  try {
    if (has_allowed_name(X509_STORE_CTX_get_current_cert(store), *rules.allowed_sans)) return 1;
  } catch (...) {  // out of memory
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

void ask_for_client(SSL_CTX* context, const TlsConfig& config, const std::string& ca) {
  if (config.client_ca.given()) trust(context, config.client_ca, ca);
  if (config.client_auth == ClientAuth::kNone) return;
  const bool required = config.client_auth == ClientAuth::kRequireAny ||
                        config.client_auth == ClientAuth::kRequireAndVerify;
  auto rules = std::make_unique<ClientRules>(
      ClientRules{config.client_auth >= ClientAuth::kVerifyIfGiven, config.client_allowed_sans});
  demand(SSL_CTX_set_ex_data(context, rules_index(), rules.get()) == 1, "client_auth_type");
  static_cast<void>(rules.release());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     on_client_certificate);
}

// Clients may offer HTTP/2, too.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr std::array<unsigned char, 9> kOurs = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_size, kOurs.data(), kOurs.size(), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

// In the order of Go's servers: OpenSSL's begins with the second, which takes a third more time.
constexpr const char* kCiphersuites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

void choose_algorithms(SSL_CTX* context, const TlsConfig& config) {
  // Versions before 1.2 sign with SHA-1, which is below Debian's level.
  if (config.min_version < TLS1_2_VERSION) SSL_CTX_set_security_level(context, 0);
  demand(SSL_CTX_set_min_proto_version(context, config.min_version) == 1, "min_version");
  demand(SSL_CTX_set_max_proto_version(context, config.max_version) == 1, "max_version");
  if (!config.cipher_list.empty()) {
    demand(SSL_CTX_set_cipher_list(context, config.cipher_list.c_str()) == 1, "cipher_suites");
  }
  const char* const suites =
      config.ciphersuites.empty() ? kCiphersuites : config.ciphersuites.c_str();
  demand(SSL_CTX_set_ciphersuites(context, suites) == 1, "cipher_suites");
  if (!config.groups.empty()) {
    demand(SSL_CTX_set1_groups_list(context, config.groups.c_str()) == 1, "curve_preferences");
  }
}

// A client that begins its list with ChaCha20 has no processor that encrypts AES by itself.
constexpr std::uint64_t kServerPrefers = SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;

}  // namespace

Tls make_tls(const TlsConfig& config, const PemTexts& texts) {
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr) throw std::bad_alloc();
  choose_algorithms(context.get(), config);
  Tls tls{context, use_certificates(context.get(), config.cert, texts.cert)};
  use_key(context.get(), config, texts.key);
  ask_for_client(context.get(), config, texts.client_ca);
  SSL_CTX_set_options(context.get(),
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                          // A client that hangs up without a word has hung up all the same.
                          SSL_OP_IGNORE_UNEXPECTED_EOF |
                          (config.prefer_server_ciphers ? kServerPrefers : 0));
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 1);
  static constexpr std::string_view kName = "metrics";
  SSL_CTX_set_session_id_context(context.get(),
                                 reinterpret_cast<const unsigned char*>(kName.data()),
                                 static_cast<unsigned>(kName.size()));
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  ERR_clear_error();
  return tls;
}

}  // namespace metrics::web
