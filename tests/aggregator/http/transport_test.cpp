// What a response's bytes go through on their way to one client, whose end the test holds.
#include "aggregator/http/transport.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "aggregator/http/loop.h"
#include "aggregator/web/tls.h"
#include "tests/aggregator/web/certificates.h"
#include "tests/support/eventually.h"

namespace metrics::http {
namespace {

using test::eventually;

// Text in which each place has its own neighbours, so that a gap or a repetition shows.
std::shared_ptr<const std::string> text(std::size_t size) {
  std::string made;
  made.reserve(size + 16);
  for (std::size_t i = 0; made.size() < size; ++i) made += std::to_string(i) + ' ';
  made.resize(size);
  return std::make_shared<const std::string>(std::move(made));
}

class Transport : public testing::Test {
 protected:
  Transport() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      throw std::runtime_error("no socket pair");
    }
    connection_ = Descriptor(ends[0]);
    client_ = Descriptor(ends[1]);
  }

  void open() { server_ = open_plain(loop_.base(), connection_); }

  // Opens the connection, and makes the handshake.
  void open_in_tls() {
    const test::Identity identity = test::self_signed("localhost");
    tls_ = web::make_tls({}, {.cert = identity.certificate, .key = identity.key, .client_ca = ""});
    server_ = open_tls(loop_.base(), connection_, *tls_.context);
    bufferevent_enable(server_.get(), EV_READ);
    client_context_.reset(SSL_CTX_new(TLS_client_method()));
    client_tls_.reset(SSL_new(client_context_.get()));
    SSL_set_fd(client_tls_.get(), client_.get());
    const std::string hello = "hello";
    ASSERT_TRUE(eventually([&] {
      const bool connected = SSL_connect(client_tls_.get()) == 1;
      loop_.run_once();
      return connected;
    }));
    ASSERT_EQ(SSL_write(client_tls_.get(), hello.data(), 5), 5);
    ASSERT_TRUE(eventually([&] {
      loop_.run_once();
      return contiguous(bufferevent_get_input(server_.get())) == hello;
    }));
  }

  // Returns what has come, without running the server's loop.
  std::string received() {
    std::string all;
    std::array<char, 65536> some;
    for (;;) {
      const auto size = client_tls_ != nullptr
                            ? SSL_read(client_tls_.get(), some.data(), int{some.size()})
                            : static_cast<int>(::recv(client_.get(), some.data(), some.size(), 0));
      if (size <= 0) return all;
      all.append(some.data(), static_cast<std::size_t>(size));
    }
  }

  std::string received_to(std::size_t size) {
    std::string all;
    eventually([&] {
      loop_.run_once();
      all += received();
      return all.size() >= size;
    });
    return all;
  }

  // Sends responses that the client does not take, until one finds no room. Returns all of them.
  std::string sent_until_full() {
    std::string all;
    for (int i = 0; i < 100'000; ++i) {
      const std::string head = "head " + std::to_string(i) + ' ';
      const auto body = text(777);
      all += head + *body;
      if (!send(*server_, head, body)) return all;
    }
    ADD_FAILURE() << "always room";
    return all;
  }

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  Loop loop_{[] {}};
  Descriptor connection_, client_;
  BufferedSocket server_;
  web::Tls tls_;
  std::unique_ptr<SSL_CTX, Free> client_context_;
  std::unique_ptr<SSL, Free> client_tls_;
};

TEST_F(Transport, SendsAtOnceWhatTheConnectionTakes) {
  open();
  EXPECT_TRUE(send(*server_, "head ", text(1000)));
  EXPECT_EQ(received(), "head " + *text(1000));
}

TEST_F(Transport, SendsAtOnceInTlsWhatTheConnectionTakes) {
  ASSERT_NO_FATAL_FAILURE(open_in_tls());
  EXPECT_TRUE(send(*server_, "head ", text(50'000)));
  EXPECT_TRUE(received() == "head " + *text(50'000));
}

// Corked, the kernel would keep the end of a response back for 200 ms.
TEST(TransportOverTcp, LeavesItsSocketUncorkedBehindAResponseInTls) {
  Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  auto* const general = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::getsockname(listener.get(), general, &size), 0);
  const Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(client.get(), general, size), 0);
  Descriptor connection(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  const test::Identity identity = test::self_signed("localhost");
  const web::Tls tls =
      web::make_tls({}, {.cert = identity.certificate, .key = identity.key, .client_ca = ""});
  const Loop loop([] {});
  const BufferedSocket server = open_tls(loop.base(), connection, *tls.context);
  send(*server, "head ", text(1000));
  int corked = -1;
  size = sizeof(corked);
  ASSERT_EQ(::getsockopt(bufferevent_getfd(server.get()), IPPROTO_TCP, TCP_CORK, &corked, &size),
            0);
  EXPECT_EQ(corked, 0);
}

TEST_F(Transport, SendsAHeadWithoutABody) {
  open();
  EXPECT_TRUE(send(*server_, "head", nullptr));
  EXPECT_EQ(received(), "head");
}

TEST_F(Transport, SendsTheRestAsTheClientTakesIt) {
  open();
  EXPECT_FALSE(send(*server_, "head ", text(5'000'000)));
  EXPECT_TRUE(received_to(5'000'005) == "head " + *text(5'000'000));
}

TEST_F(Transport, SendsTheRestInTlsAsTheClientTakesIt) {
  ASSERT_NO_FATAL_FAILURE(open_in_tls());
  EXPECT_FALSE(send(*server_, "head ", text(5'000'000)));
  EXPECT_TRUE(received_to(5'000'005) == "head " + *text(5'000'000));
}

TEST_F(Transport, LosesNothingWhereverTheConnectionIsFull) {
  open();
  const std::string all = sent_until_full();
  EXPECT_TRUE(received_to(all.size()) == all);
}

TEST_F(Transport, LosesNothingWhereverTheConnectionIsFullInTls) {
  ASSERT_NO_FATAL_FAILURE(open_in_tls());
  const std::string all = sent_until_full();
  EXPECT_TRUE(received_to(all.size()) == all);
}

TEST_F(Transport, TakesNoMoreThanItsShareAtOnce) {
  open();
  const int large = 64 << 20;
  ::setsockopt(bufferevent_getfd(server_.get()), SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof(large));
  send(*server_, "", text(20'000'000));
  EXPECT_LE(received().size(), std::size_t{1} << 20);
}

// libevent's own bound is 16 KB.
TEST_F(Transport, SendsTheRestInLargePieces) {
  open();
  send(*server_, "", text(20'000'000));
  received();
  loop_.run_once();
  EXPECT_GT(received().size(), std::size_t{1} << 16);
}

TEST_F(Transport, KeepsABodyUntilItIsSent) {
  open();
  auto body = text(5'000'000);
  const std::weak_ptr<const std::string> kept = body;
  EXPECT_FALSE(send(*server_, "head ", std::move(body)));
  EXPECT_FALSE(kept.expired());
  EXPECT_EQ(received_to(5'000'005).size(), 5'000'005u);
  EXPECT_TRUE(kept.expired());
}

TEST_F(Transport, TellsTheClientTheEndAndStillReads) {
  open();
  bufferevent_enable(server_.get(), EV_READ);
  end_output(*server_);
  char none = 0;
  EXPECT_EQ(::recv(client_.get(), &none, 1, 0), 0);
  ASSERT_EQ(::send(client_.get(), "late", 4, 0), 4);
  EXPECT_TRUE(eventually([&] {
    loop_.run_once();
    return contiguous(bufferevent_get_input(server_.get())) == "late";
  }));
}

TEST_F(Transport, TellsTheClientTheEndInTls) {
  ASSERT_NO_FATAL_FAILURE(open_in_tls());
  end_output(*server_);
  EXPECT_EQ(received(), "");
  EXPECT_EQ(SSL_get_shutdown(client_tls_.get()), SSL_RECEIVED_SHUTDOWN);
}

}  // namespace
}  // namespace metrics::http
