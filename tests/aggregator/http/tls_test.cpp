// What unfinished TLS handshakes cost, and when they end. What TLS speaks is tested from outside,
// in tests/e2e.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <latch>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/http/server.h"
#include "aggregator/web/rules_file.h"
#include "tests/aggregator/http/client.h"
#include "tests/aggregator/web/certificates.h"
#include "tests/support/eventually.h"

namespace metrics::http {
namespace {

using namespace std::chrono_literals;
using test::Client;
using test::eventually;

constexpr auto kNever = 60s;
constexpr std::string_view kHalfAHello = "\x16\x03\x01\x02\x00\x01\x00\x01";

class HttpTls : public testing::Test {
 protected:
  HttpTls() {
    std::string name = std::filesystem::temp_directory_path() / "metrics-tls-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    const test::Identity identity = test::self_signed("localhost");
    std::ofstream(folder_ + "/cert.pem") << identity.certificate;
    std::ofstream(folder_ + "/key.pem") << identity.key;
    std::ofstream(folder_ + "/web.yml")
        << "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n";
  }
  ~HttpTls() override { std::filesystem::remove_all(folder_); }

  HttpOptions options() const {
    return {.listen = {"127.0.0.1:0"},
            .request_timeout = kNever,
            .rules = std::make_shared<web::RulesFile>(
                web::RulesFileOptions{.path = folder_ + "/web.yml"})};
  }
  static Routes routes() {
    return {{"/", {[](const Request&) { return text_response(200, "x"); }}}};
  }

  std::string folder_;
};

std::vector<std::unique_ptr<Client>> handshaking(const HttpServer& server, std::size_t count) {
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Client>(server.ports().at(0)));
    clients.back()->send(kHalfAHello);
  }
  return clients;
}

TEST_F(HttpTls, TakesMemoryOnlyFromTheFirstByteToTheEnd) {
  const HttpServer server(options(), routes());
  {
    const Client silent(server.ports().at(0));
    ASSERT_TRUE(eventually([&] { return server.counts().of(State::kIdle) == 1; }));
    EXPECT_EQ(server.counts().tls_bytes, 0u);
    const auto clients = handshaking(server, 10);
    ASSERT_TRUE(eventually([&] { return server.counts().of(State::kHandshaking) == 10; }));
    EXPECT_GT(server.counts().tls_bytes, 10u * 40'000);
  }
  EXPECT_TRUE(eventually([&] {
    const Counts now = server.counts();
    return now.of(Closed::kHandshake) == 10 && now.of(Closed::kClient) == 1;
  }));
  EXPECT_TRUE(eventually([&] { return server.counts().tls_bytes == 0; }));
}

TEST_F(HttpTls, EndsTheLongestHandshakesAboveItsBound) {
  HttpOptions bounded = options();
  bounded.max_buffered_bytes = 500'000;
  const HttpServer server(bounded, routes());
  const auto clients = handshaking(server, 30);
  EXPECT_TRUE(eventually([&] {
    const Counts now = server.counts();
    return now.of(State::kHandshaking) + now.of(Closed::kBufferedBytes) == 30;
  }));
  EXPECT_GE(server.counts().of(State::kHandshaking), 5u);
  EXPECT_GE(server.counts().of(Closed::kBufferedBytes), 15u);
  EXPECT_LE(server.counts().tls_bytes, 500'000u);
  EXPECT_EQ(clients.front()->receive_to_end(), "");
}

TEST_F(HttpTls, TheFirstBytesOfManyThatWereLetInBeforeTakeItNotBeyondItsBound) {
  HttpOptions bounded = options();
  bounded.max_buffered_bytes = 500'000;
  const HttpServer server(bounded, routes());
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 30; ++i) {
    clients.push_back(std::make_unique<Client>(server.ports().at(0)));
  }
  ASSERT_TRUE(eventually([&] { return server.counts().of(State::kIdle) == 30; }));
  for (const auto& client : clients) client->send(kHalfAHello);
  EXPECT_TRUE(eventually([&] {
    const Counts now = server.counts();
    return now.of(State::kHandshaking) + now.of(Closed::kBufferedBytes) == 30 &&
           now.tls_bytes <= 500'000;
  }));
}

// A client behind its handshake.
class Secure {
 public:
  explicit Secure(std::uint16_t port) : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd_);
    shaken_ = SSL_connect(ssl_.get()) == 1;
  }
  ~Secure() { ::close(fd_); }
  Secure(const Secure&) = delete;
  Secure& operator=(const Secure&) = delete;

  bool shaken() const { return shaken_; }
  void send(std::string_view text) const {
    EXPECT_EQ(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())),
              static_cast<int>(text.size()));
  }
  // Returns as many bytes as asked for, or fewer if the server hangs up or sends nothing for long.
  std::string receive(std::size_t size) const {
    std::string all(size, '\0');
    std::size_t received = 0;
    while (received < size) {
      const int got =
          SSL_read(ssl_.get(), all.data() + received, static_cast<int>(size - received));
      if (got <= 0) break;
      received += static_cast<std::size_t>(got);
    }
    all.resize(received);
    return all;
  }

 private:
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  int fd_ = -1;
  bool shaken_ = false;
};

TEST_F(HttpTls, KnowsItsOwnPagesByTheirWholeUrl) {
  const HttpServer server(options(), routes());
  const Secure client(server.ports().at(0));
  ASSERT_TRUE(client.shaken());
  client.send("GET https://localhost:" + std::to_string(server.ports().at(0)) +
              "/ HTTP/1.1\r\n\r\n");
  constexpr std::string_view kServed = "HTTP/1.1 200 OK";
  EXPECT_EQ(client.receive(kServed.size()), kServed);
}

TEST_F(HttpTls, TellsRoutesThatARequestCameOverTls) {
  const HttpServer server(options(), {{"/", {[](const Request& request) {
                                         return text_response(200, std::string(request.scheme));
                                       }}}});
  const Secure client(server.ports().at(0));
  ASSERT_TRUE(client.shaken());
  client.send("GET / HTTP/1.1\r\n\r\n");
  const std::string head =
      render_head(text_response(200, "https"), "OK", AfterResponse::kKeepAlive);
  EXPECT_EQ(client.receive(head.size() + 5), head + "https");
}

// OpenSSL may hold the rest of a record that was read in part.
TEST_F(HttpTls, AnswersEachOfManyRequestsThatComeAtOnce) {
  const HttpServer server(options(), routes());
  const Secure client(server.ports().at(0));
  ASSERT_TRUE(client.shaken());
  std::string requests;
  constexpr int kMany = 3000;
  for (int i = 0; i < kMany; ++i) requests += "GET / HTTP/1.1\r\n\r\n";
  client.send(requests);
  const std::size_t size =
      render_head(text_response(200, "x"), "OK", AfterResponse::kKeepAlive).size() + 1;
  EXPECT_EQ(client.receive(kMany * size).size(), kMany * size);
}

constexpr std::size_t kRoomFor20 = 20 * (16 << 10);

TEST_F(HttpTls, IdleConnectionsGiveWayToAHandshake) {
  HttpOptions bounded = options();
  bounded.max_buffered_bytes = kRoomFor20;
  const HttpServer server(bounded, routes());
  const Client silent(server.ports().at(0));
  ASSERT_TRUE(eventually([&] { return server.counts().of(State::kIdle) == 1; }));
  std::vector<std::unique_ptr<Secure>> clients;
  for (int i = 0; i < 30; ++i) {
    clients.push_back(std::make_unique<Secure>(server.ports().at(0)));
    ASSERT_TRUE(clients.back()->shaken()) << i;
  }
  EXPECT_LE(server.counts().tls_bytes, kRoomFor20);
  EXPECT_GE(server.counts().of(Closed::kBufferedBytes), 10u);
  EXPECT_GE(server.counts().of(State::kIdle), 15u) << "the silent one costs TLS nothing";
}

TEST_F(HttpTls, HandshakesThatTakeMoreThanHalfGiveWayBeforeIdleConnections) {
  HttpOptions bounded = options();
  bounded.max_buffered_bytes = kRoomFor20;
  const HttpServer server(bounded, routes());
  std::vector<std::unique_ptr<Secure>> idle;
  for (int i = 0; i < 10; ++i) idle.push_back(std::make_unique<Secure>(server.ports().at(0)));
  ASSERT_TRUE(eventually([&] { return server.counts().of(State::kIdle) == 10; }));
  const auto clients = handshaking(server, 6);
  EXPECT_TRUE(eventually([&] {
    const Counts now = server.counts();
    return now.of(State::kHandshaking) == 3 && now.of(Closed::kBufferedBytes) == 3;
  }));
  EXPECT_EQ(server.counts().of(State::kIdle), 10u);
}

TEST_F(HttpTls, UnfinishedRequestsGiveWayToAHandshake) {
  HttpOptions bounded = options();
  bounded.max_buffered_bytes = kRoomFor20;
  const HttpServer server(bounded, routes());
  std::vector<std::unique_ptr<Secure>> clients;
  for (std::size_t i = 0; i < 30; ++i) {
    clients.push_back(std::make_unique<Secure>(server.ports().at(0)));
    ASSERT_TRUE(clients.back()->shaken()) << i;
    clients.back()->send("GET ");
    ASSERT_TRUE(eventually([&] {
      const Counts now = server.counts();
      return now.of(State::kReading) + now.of(Closed::kBufferedBytes) == i + 1;
    }));
  }
  EXPECT_LE(server.counts().tls_bytes, kRoomFor20);
}

TEST_F(HttpTls, AHandshakeGivesWayWhereAllOthersAreServed) {
  HttpOptions bounded = options();
  bounded.max_buffered_bytes = kRoomFor20;
  std::latch may_answer(1);
  const HttpServer server(bounded, {{"/", {[&may_answer](const Request&) {
                                       may_answer.wait();
                                       return text_response(200, "x");
                                     }}}});
  std::vector<std::unique_ptr<Secure>> served;
  for (;;) {
    auto client = std::make_unique<Secure>(server.ports().at(0));
    if (!client->shaken() || served.size() == 20) break;
    client->send("GET / HTTP/1.1\r\n\r\n");
    served.push_back(std::move(client));
    ASSERT_TRUE(eventually([&] { return server.counts().of(State::kServing) == served.size(); }));
  }
  EXPECT_LT(served.size(), 20u);
  EXPECT_GE(served.size(), 15u);
  EXPECT_EQ(server.counts().of(Closed::kBufferedBytes), 1u);
  EXPECT_LE(server.counts().tls_bytes, kRoomFor20);
  may_answer.count_down();
}

TEST_F(HttpTls, EndsAHandshakeThatTakesTooLong) {
  HttpOptions hurried = options();
  hurried.request_timeout = 50ms;
  const HttpServer server(hurried, routes());
  Client client(server.ports().at(0));
  client.send(kHalfAHello);
  EXPECT_TRUE(client.hung_up());
  EXPECT_EQ(server.counts().of(Closed::kHandshake), 1u);
}

TEST_F(HttpTls, EndsASilentConnectionAsWithoutTls) {
  HttpOptions hurried = options();
  hurried.request_timeout = 50ms;
  const HttpServer server(hurried, routes());
  Client client(server.ports().at(0));
  EXPECT_TRUE(client.hung_up());
  EXPECT_EQ(server.counts().of(Closed::kIdle), 1u);
}

TEST_F(HttpTls, StopEndsBesideHandshakesAndSilentClients) {
  HttpServer server(options(), routes());
  const Client silent(server.ports().at(0));
  const auto clients = handshaking(server, 10);
  ASSERT_TRUE(eventually([&] { return server.counts().of(State::kHandshaking) == 10; }));
  server.stop();
  EXPECT_TRUE(clients.front()->hung_up());
  EXPECT_EQ(server.counts().tls_bytes, 0u);
}

}  // namespace
}  // namespace metrics::http
