// Where the server listens, and what it says when it can't.
#include <gtest/gtest.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "aggregator/http/listen_address.h"
#include "aggregator/http/server.h"
#include "tests/aggregator/http/client.h"

namespace metrics::http {
namespace {

HttpServer listening_on(std::vector<std::string> listen) {
  return {HttpOptions{.listen = std::move(listen)},
          {{"/", {[](const Request&) { return text_response(200, "x"); }}}}};
}

// What the constructor says; "" if it doesn't throw.
template <typename Exception>
std::string refusal(std::vector<std::string> listen) {
  try {
    const HttpServer server = listening_on(std::move(listen));
    return "";
  } catch (const Exception& e) {
    return e.what();
  }
}

TEST(HttpListen, ListensOnEveryAddressThatIsGiven) {
  const HttpServer server = listening_on({":0", "127.0.0.1:0", "localhost:0"});
  ASSERT_EQ(server.ports().size(), 3u);
  for (const std::uint16_t port : server.ports()) {
    EXPECT_NE(port, 0);
    EXPECT_EQ(test::get(port, "/").body, "x");
  }
}

TEST(HttpListen, SaysThatAPortIsTaken) {
  const HttpServer first = listening_on({":0"});
  const std::string taken = ":" + std::to_string(first.ports().at(0));
  EXPECT_EQ(refusal<std::runtime_error>({taken}),
            "cannot listen on " + taken +
                ": address already in use; stop what listens there or choose another port");
  EXPECT_EQ(refusal<std::runtime_error>({":0", "127.0.0.1" + taken}),
            "cannot listen on 127.0.0.1" + taken +
                ": address already in use; stop what listens there or choose another port");
  EXPECT_EQ(test::get(first.ports().at(0), "/").body, "x");
}

TEST(HttpListen, SaysThatAnAddressIsNotOfThisMachine) {
  EXPECT_EQ(refusal<std::runtime_error>({"192.0.2.1:0"}),  // set aside for documentation
            "cannot listen on 192.0.2.1:0: no interface of this machine has that address");
}

TEST(HttpListen, SaysWhatAPrivilegedPortNeeds) {
  EXPECT_EQ(cannot_listen({":80", "0.0.0.0", 80}, EACCES),
            "cannot listen on :80: permission denied; ports below 1024 need CAP_NET_BIND_SERVICE");
  EXPECT_EQ(cannot_listen({":80", "0.0.0.0", 80}, EMFILE),
            "cannot listen on :80: Too many open files");
}

TEST(HttpListen, RefusesIpv6WithWhatToWriteInstead) {
  for (const char* address : {"[::1]:8001", "[::]:8001", "::1", "::", "[::1]", "fe80::1%eth0"}) {
    EXPECT_EQ(refusal<std::invalid_argument>({address}),
              "cannot listen on \"" + std::string(address) +
                  "\": IPv6 is not supported; write an IPv4 address such as 127.0.0.1:8001, or "
                  ":8001 for every interface");
  }
}

TEST(HttpListen, RefusesBadAddressesWithWhatToWriteInstead) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"8001", "a port needs a colon before it; write :8001"},
      {"127.0.0.1", "the port is missing; write 127.0.0.1:8001"},
      {"", "the port is missing; write 127.0.0.1:8001"},
      {":", "the port must be a number from 0 to 65535"},
      {":65536", "the port must be a number from 0 to 65535"},
      {":-1", "the port must be a number from 0 to 65535"},
      {":+1", "the port must be a number from 0 to 65535"},
      {":http", "the port must be a number from 0 to 65535"},
      {":8001s", "the port must be a number from 0 to 65535"},
      {": 8001", "the port must be a number from 0 to 65535"},
      {":8001,:8002",
       "IPv6 is not supported; write an IPv4 address such as 127.0.0.1:8001, or "
       ":8001 for every interface"},
      {"1.2.3.256:1",
       "\"1.2.3.256\" is not an IPv4 address and names are not looked up; write an "
       "IPv4 address such as 127.0.0.1:8001, or :8001 for every interface"},
      {"example.org:1",
       "\"example.org\" is not an IPv4 address and names are not looked up; write "
       "an IPv4 address such as 127.0.0.1:8001, or :8001 for every interface"},
  };
  for (const auto& [address, why] : cases) {
    const std::string before_why = "cannot listen on \"" + address + "\": ";
    const std::string message = refusal<std::invalid_argument>({address});
    EXPECT_TRUE(message.starts_with(before_why)) << message;
    EXPECT_EQ(message.substr(before_why.size()), why);
  }
}

TEST(HttpListen, RefusesOptionsThatMakeNoSense) {
  const auto refused = [](HttpOptions options, Routes routes = {}) {
    try {
      const HttpServer server(std::move(options), std::move(routes));
      return std::string();
    } catch (const std::invalid_argument& e) {
      return std::string(e.what());
    }
  };
  EXPECT_EQ(refused({}), "no address to listen on was given");
  EXPECT_EQ(refused({.listen = {":0"}, .max_requests = 0}), "max_requests must be 1 to 10000");
  EXPECT_EQ(refused({.listen = {":0"}, .spare_threads = 0}), "spare_threads must be 1 to 10000");
  EXPECT_EQ(refused({.listen = {":0"}, .keep_alive = std::chrono::milliseconds(0)}),
            "timeouts must be at least 1 ms");
  EXPECT_EQ(refused({.listen = {":0"}}, {{"/x", {}}}), "no handler for /x");
}

TEST(HttpListen, StartsOverAndOverInOneProcess) {
  for (int i = 0; i < 5; ++i) {
    const HttpServer server = listening_on({"127.0.0.1:0"});
    EXPECT_EQ(test::get(server.ports().at(0), "/").body, "x");
  }
}

}  // namespace
}  // namespace metrics::http
