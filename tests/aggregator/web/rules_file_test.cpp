// When a web configuration is read anew, and what holds until then.
#include "aggregator/web/rules_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/aggregator/web/certificates.h"

namespace metrics::web {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTls = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n";
constexpr const char* kUsers =
    "basic_auth_users:\n  a: $2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG\n";

// A folder with a configuration, and a clock that the test moves.
class RulesFileTest : public testing::Test {
 protected:
  RulesFileTest() {
    std::string name = fs::temp_directory_path() / "metrics-web-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/web.yml";
    ::clock_gettime(CLOCK_REALTIME, &now_);
    now_.tv_sec += kDay;
  }
  ~RulesFileTest() override { fs::remove_all(folder_); }

  // Puts the text in a file's place at once, as deployment tools do.
  void replace(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/new") << text;
    fs::rename(folder_ + "/new", folder_ + '/' + name);
  }
  void write_identity(const test::Identity& identity) const {
    replace("cert.pem", identity.certificate);
    replace("key.pem", identity.key);
  }
  RulesFile open() {
    return RulesFile({.path = path_,
                      .log = [this](std::string_view line) { logged_.emplace_back(line); },
                      .warn = [this](std::string_view line) { warned_.emplace_back(line); },
                      .now = [this] { return now_; }});
  }
  std::string refusal() {
    try {
      open();
      return "";
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
  }
  // From now on, files look as if they were being written.
  void begin_writing() { now_.tv_sec -= kDay; }
  void time_passes() { now_.tv_sec += kDay; }

  static constexpr time_t kDay = 86'400;
  std::string folder_, path_;
  timespec now_{};
  std::vector<std::string> logged_, warned_;
};

TEST_F(RulesFileTest, WithoutAPathHasNoRules) {
  RulesFile file;
  EXPECT_FALSE(file.current()->has_tls());
  EXPECT_TRUE(file.current()->users.empty());
  EXPECT_FALSE(file.status());
  file.reload();
}

TEST_F(RulesFileTest, HoldsWhatTheFileSays) {
  write_identity(test::self_signed("one"));
  replace("web.yml", std::string(kTls) + kUsers +
                         "http_server_config: {headers: {X-Frame-Options: deny}}\n"
                         "rate_limit: {interval: 1h, burst: 1}\n");
  RulesFile file = open();
  const auto rules = file.current();
  EXPECT_TRUE(rules->has_tls());
  EXPECT_EQ(rules->users.size(), 1u);
  EXPECT_EQ(rules->headers, (Headers{{"X-Frame-Options", "deny"}}));
  EXPECT_TRUE(rules->limiter->admit());
  EXPECT_FALSE(rules->limiter->admit());
  const auto status = file.status();
  EXPECT_TRUE(status->good);
  EXPECT_EQ(status->good_since, now_.tv_sec);
  EXPECT_NEAR(static_cast<double>(status->cert_not_after),
              static_cast<double>(now_.tv_sec - kDay + 3600), 60);
  EXPECT_EQ(logged_, std::vector<std::string>()) << "the first time is no news";
}

TEST_F(RulesFileTest, IsReadAnewOnlyWhenItHasChanged) {
  replace("web.yml", kUsers);
  RulesFile file = open();
  const auto first = file.current();
  EXPECT_EQ(file.current(), first);
  replace("web.yml", kUsers);  // another file with the same text
  EXPECT_EQ(file.current(), first);
  replace("web.yml", std::string(kUsers) + "rate_limit: {interval: 1s, burst: 1}\n");
  EXPECT_NE(file.current()->limiter, nullptr);
  EXPECT_EQ(first->limiter, nullptr) << "what a request began with holds to its end";
  EXPECT_EQ(logged_, std::vector<std::string>{"web configuration read anew"});
}

TEST_F(RulesFileTest, TakesANewCertificate) {
  write_identity(test::self_signed("one"));
  replace("web.yml", kTls);
  RulesFile file = open();
  const auto first = file.current();
  const test::Identity second = test::self_signed("two");
  replace("cert.pem", second.certificate);
  EXPECT_EQ(file.current(), first) << "its key is not there yet";
  EXPECT_FALSE(file.status()->good);
  replace("key.pem", second.key);
  EXPECT_NE(file.current(), first);
  EXPECT_TRUE(file.status()->good);
  EXPECT_EQ(warned_,
            (std::vector<std::string>{"web configuration has a fault; the last good one stays: " +
                                      path_ + ":1: key_file " + folder_ +
                                      "/key.pem: it is not the key of " + folder_ + "/cert.pem"}));
  EXPECT_EQ(logged_, std::vector<std::string>{"web configuration read anew"});
}

// Written in place, and of one size: within a tick of the clock, only the text differs.
TEST_F(RulesFileTest, SeesEachOfManyChangesThatFollowAtOnce) {
  const auto write = [this](int burst) {
    std::ofstream(path_) << "rate_limit: {interval: 1h, burst: " << burst << "}\n";
  };
  write(1);
  begin_writing();
  RulesFile file = open();
  for (int i = 0; i < 50; ++i) {
    for (const int burst : {1, 2}) {
      write(burst);
      const auto rules = file.current();
      rules->limiter->admit();
      ASSERT_EQ(rules->limiter->admit(), burst == 2) << i;
    }
  }
}

TEST_F(RulesFileTest, KeepsTheLastGoodRulesAndWarnsOnceForEachFault) {
  replace("web.yml", kUsers);
  RulesFile file = open();
  const auto first = file.current();
  replace("web.yml", "basic_auth_user: {}\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(file.current(), first);
  fs::remove(path_);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(file.current(), first);
  const std::string prefix = "web configuration has a fault; the last good one stays: " + path_;
  EXPECT_EQ(warned_, (std::vector<std::string>{
                         prefix + ":1: field \"basic_auth_user\" is not known in the file",
                         prefix + ": can't be read: No such file or directory"}));
  EXPECT_FALSE(file.status()->good);
  replace("web.yml", kUsers);
  EXPECT_EQ(file.current()->users, first->users);
  EXPECT_TRUE(file.status()->good);
}

TEST_F(RulesFileTest, BelievesThatAProtectionHasGoneOnlyWhenTheFileIsComplete) {
  write_identity(test::self_signed("one"));
  const std::string client =
      "tls_server_config: {cert_file: cert.pem, key_file: key.pem, client_ca_file: cert.pem, "
      "client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [x]}\n";
  const std::string weaker =
      "tls_server_config: {cert_file: cert.pem, key_file: key.pem, client_ca_file: cert.pem, "
      "client_auth_type: RequestClientCert, client_allowed_sans: [x]}\n";
  const std::string any_name =
      "tls_server_config: {cert_file: cert.pem, key_file: key.pem, client_ca_file: cert.pem, "
      "client_auth_type: RequireAndVerifyClientCert}\n";
  for (const std::string& less :
       {std::string(), client, kUsers + std::string(kTls), kUsers + weaker, kUsers + any_name}) {
    replace("web.yml", kUsers + client);
    RulesFile file = open();
    const auto first = file.current();
    begin_writing();
    replace("web.yml", less);
    EXPECT_EQ(file.current(), first) << less;
    EXPECT_EQ(file.current(), first) << less;
    time_passes();
    EXPECT_NE(file.current(), first) << less;
  }
}

TEST_F(RulesFileTest, BelievesThatTlsHasGoneOnlyWhenTheFileIsComplete) {
  write_identity(test::self_signed("one"));
  replace("web.yml", kTls);
  RulesFile file = open();
  begin_writing();
  replace("web.yml", "");
  EXPECT_TRUE(file.current()->has_tls());
  time_passes();
  EXPECT_FALSE(file.current()->has_tls());
}

TEST_F(RulesFileTest, WarnsOnceOfAFaultThatIsReadManyTimes) {
  replace("web.yml", kUsers);
  RulesFile file = open();
  begin_writing();  // so that it is read again each time
  replace("web.yml", "x: 1\n");
  for (int i = 0; i < 3; ++i) file.current();
  EXPECT_EQ(warned_.size(), 1u);
}

TEST_F(RulesFileTest, BelievesAtOnceWhatAnOperatorAsksToBeRead) {
  replace("web.yml", kUsers);
  RulesFile file = open();
  begin_writing();
  replace("web.yml", "");
  EXPECT_EQ(file.current()->users.size(), 1u);
  file.reload();
  EXPECT_EQ(file.current()->users.size(), 0u);
  EXPECT_EQ(logged_, std::vector<std::string>{"web configuration read anew"});
}

TEST_F(RulesFileTest, GoesOnWithALimitThatHasNotChanged) {
  const std::string limit = "rate_limit: {interval: 1h, burst: 1}\n";
  replace("web.yml", limit);
  RulesFile file = open();
  EXPECT_TRUE(file.current()->limiter->admit());
  replace("web.yml", limit + kUsers);
  EXPECT_EQ(file.current()->users.size(), 1u);
  EXPECT_FALSE(file.current()->limiter->admit());
  replace("web.yml", "rate_limit: {interval: 1h, burst: 2}\n" + std::string(kUsers));
  EXPECT_TRUE(file.current()->limiter->admit());
}

TEST_F(RulesFileTest, SaysThatHttp2IsIgnored) {
  replace("web.yml", "http_server_config: {http2: true}\n");
  open();
  EXPECT_EQ(logged_,
            std::vector<std::string>{"web configuration: http2 is ignored: HTTP/1.1 is served"});
}

TEST_F(RulesFileTest, NamesTheUserThatMayNotReadIt) {
  constexpr uid_t kNobody = 65534;
  replace("web.yml", "");
  fs::permissions(path_, fs::perms::none);
  const int before = ::geteuid() == 0 ? ::setfsuid(kNobody) : -1;  // root may read everything
  const std::string why = refusal();
  if (before >= 0) ::setfsuid(static_cast<uid_t>(before));
  EXPECT_EQ(why, path_ + ": can't be read: Permission denied; this process runs as user " +
                     std::to_string(::geteuid()));
}

TEST_F(RulesFileTest, IsRefusedAtFirstWithItsFault) {
  const std::string line = path_ + ":1: ";
  EXPECT_EQ(refusal(), path_ + ": can't be read: No such file or directory");
  replace("web.yml", kTls);
  EXPECT_EQ(refusal(),
            "cert_file " + folder_ + "/cert.pem: can't be read: No such file or directory");
  const test::Identity one = test::self_signed("one");
  replace("key.pem", one.key);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"text", "there is no certificate (\"BEGIN CERTIFICATE\") in it"},
      {one.key, "there is no certificate (\"BEGIN CERTIFICATE\") in it"},
      {one.certificate + "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
       "a certificate in it is damaged"},
  };
  for (const auto& [text, why] : cases) {
    replace("cert.pem", text);
    EXPECT_EQ(refusal(), line + "cert_file " + folder_ + "/cert.pem: " + why);
  }
  replace("cert.pem", one.certificate);
  replace("key.pem", "text");
  EXPECT_EQ(refusal(), line + "key_file " + folder_ +
                           "/key.pem: there is no private key (\"BEGIN PRIVATE KEY\") in it");
  replace("key.pem",
          "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n");
  EXPECT_EQ(refusal(), line + "key_file " + folder_ +
                           "/key.pem: the key is encrypted; decrypt it, e.g. with openssl pkey");
  fs::remove(folder_ + "/key.pem");
  fs::create_directory(folder_ + "/key.pem");
  EXPECT_EQ(refusal(), "key_file " + folder_ + "/key.pem: is not a file");
}

TEST_F(RulesFileTest, TakesNoMoreThanAMegabyteOfAFile) {
  const std::string comment = "# " + std::string((1 << 20) - 3, 'x') + '\n';
  replace("web.yml", comment);
  EXPECT_EQ(refusal(), "");
  replace("web.yml", comment + '\n');
  EXPECT_EQ(refusal(), path_ + ": is larger than 1 MB");
}

TEST_F(RulesFileTest, TakesInlinePem) {
  const auto indented = [](const std::string& text) {
    std::string out;
    for (const char c : text) {
      out += c;
      if (c == '\n') out += "    ";
    }
    return out;
  };
  const test::Identity one = test::self_signed("one");
  replace("web.yml", "tls_server_config:\n  cert: |\n    " + indented(one.certificate) +
                         "\n  key: |\n    " + indented(one.key) + '\n');
  EXPECT_TRUE(open().current()->has_tls());
}

}  // namespace
}  // namespace metrics::web
