// How clients are let in.
#include "aggregator/http/doors.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <filesystem>
#include <string>

#include "aggregator/http/server.h"
#include "tests/aggregator/http/client.h"
#include "tests/aggregator/http/crowd.h"

namespace metrics::http {
namespace {

using test::Client;

TEST(HttpDoors, LetInSoManyAtOnceThatOtherClientsHaveTheirTurnSoon) {
  const Listener listener = listen_on(parse_listen_address("127.0.0.1:0"));
  // Each has hung up by the time it is let in, so that the test needs few descriptors.
  for (int i = 0; i < 600; ++i) Client knocks(*listener.port);
  const auto let_in = [&listener] {
    int count = 0;
    EXPECT_TRUE(accept_from(listener, [&count](const Descriptor&) { ++count; }));
    return count;
  };
  EXPECT_EQ(let_in(), 512);
  EXPECT_EQ(let_in(), 88);
}

// As a connection that was given up before it was let in.
TEST(HttpDoors, TakeAFaultOfAnotherKindForNoWantOfDescriptors) {
  const Listener deaf{Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), "", {}};
  EXPECT_TRUE(accept_from(deaf, [](const Descriptor&) { FAIL(); }));
}

// Returns the descriptor of the server's end of a connection; -1 if there is none.
int server_end_of(const Client& client) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        peer.sin_family == AF_INET && ntohs(peer.sin_port) == client.port()) {
      return fd;
    }
  }
  return -1;
}

// Else the kernel would keep the end of a response back until the client acknowledges what it was
// sent before, a session ticket of TLS or another response: up to 40 ms.
TEST(HttpDoors, HaveTheKernelSendSmallResponsesAtOnce) {
  const HttpServer server({.listen = {"127.0.0.1:0"}},
                          {{"/", {[](const Request&) { return text_response(200, "x"); }}}});
  const Client client(server.ports().at(0));
  ASSERT_TRUE(test::come_to(server, State::kIdle, 1));
  const int fd = server_end_of(client);
  ASSERT_GE(fd, 0);
  int at_once = 0;
  socklen_t size = sizeof(at_once);
  ASSERT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, &size), 0);
  EXPECT_EQ(at_once, 1);
}

}  // namespace
}  // namespace metrics::http
