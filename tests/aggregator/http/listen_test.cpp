// Where the server listens, and what it says when it can't.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

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

// A folder of the test's own, with the address of a unix socket in it.
struct Folder {
  std::string path = [] {
    std::string name = std::filesystem::temp_directory_path() / "metrics-listen-XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  std::string socket = path + "/socket";
  std::string address = "unix:" + socket;
  ~Folder() { std::filesystem::remove_all(path); }
};

bool has_ipv6() { return listening_on({":0"}).addresses().at(0).starts_with("[::]:"); }

TEST(HttpListen, ListensOnEveryAddressThatIsGiven) {
  const HttpServer server = listening_on({":0", "127.0.0.1:0", "localhost:0"});
  ASSERT_EQ(server.ports().size(), 3u);
  for (const std::uint16_t port : server.ports()) {
    EXPECT_NE(port, 0);
    EXPECT_EQ(test::get(port, "/").body, "x");
  }
}

TEST(HttpListen, ServesAPortWithoutHostOverBothFamilies) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  for (const char* address : {":0", "[::]:0"}) {
    const HttpServer server = listening_on({address});
    const std::string port = std::to_string(server.ports().at(0));
    EXPECT_EQ(server.addresses().at(0), "[::]:" + port);
    EXPECT_EQ(test::get(server.ports().at(0), "/").body, "x");
    EXPECT_EQ(test::get("[::1]:" + port, "/").body, "x");
  }
}

TEST(HttpListen, ServesOneFamilyWhereItsAddressIsGiven) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  const HttpServer six = listening_on({"[0:0::1]:0"});
  const std::string port = std::to_string(six.ports().at(0));
  EXPECT_EQ(six.addresses().at(0), "[::1]:" + port);
  EXPECT_EQ(test::get("[::1]:" + port, "/").body, "x");
  EXPECT_THROW(test::Client(six.ports().at(0)), std::system_error);
  const HttpServer four = listening_on({"0.0.0.0:0"});
  EXPECT_EQ(four.addresses().at(0), "0.0.0.0:" + std::to_string(four.ports().at(0)));
  EXPECT_THROW(test::Client("[::1]:" + std::to_string(four.ports().at(0))), std::system_error);
}

TEST(HttpListen, ServesAUnixSocketAndRemovesItsName) {
  const Folder folder;
  {
    const HttpServer server = listening_on({folder.address, "127.0.0.1:0"});
    EXPECT_EQ(server.addresses().at(0), folder.address);
    EXPECT_EQ(server.ports().at(0), 0);
    EXPECT_EQ(test::get(folder.address, "/").body, "x");
    EXPECT_EQ(test::get(folder.address, "http://any.example:7/").body, "x");
    EXPECT_EQ(test::get(folder.address, "http://u@any.example/").status, 400);
    EXPECT_EQ(test::get(server.ports().at(1), "/").body, "x");
  }
  EXPECT_FALSE(std::filesystem::exists(folder.socket));
}

TEST(HttpListen, TakesTheNameOfAUnixSocketWhoseProcessHasEnded) {
  const Folder folder;
  // A listener that is killed leaves its name: here, a hard link that outlives the server's own.
  {
    const HttpServer dead = listening_on({folder.address});
    std::filesystem::create_hard_link(folder.socket, folder.socket + ".kept");
  }
  std::filesystem::rename(folder.socket + ".kept", folder.socket);
  const HttpServer server = listening_on({folder.address});
  EXPECT_EQ(test::get(folder.address, "/").body, "x");
}

TEST(HttpListen, LeavesAUnixSocketAloneThatAnotherProcessServesOrThatIsAFile) {
  const std::string why =
      ": a process listens there, or the file is no socket; stop that process or choose another "
      "path";
  const Folder folder;
  const HttpServer first = listening_on({folder.address});
  EXPECT_EQ(refusal<std::runtime_error>({folder.address}),
            "cannot listen on " + folder.address + why);
  EXPECT_EQ(test::get(folder.address, "/").body, "x");
  std::ofstream(folder.path + "/file") << "kept";
  EXPECT_EQ(refusal<std::runtime_error>({"unix:" + folder.path + "/file"}),
            "cannot listen on unix:" + folder.path + "/file" + why);
  EXPECT_EQ(std::filesystem::file_size(folder.path + "/file"), 4u);
}

TEST(HttpListen, LeavesAUnixSocketAloneWhoseProcessIsBusy) {
  const Folder folder;
  const Descriptor busy(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  folder.socket.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const auto* const general = reinterpret_cast<const sockaddr*>(&address);
  ASSERT_EQ(::bind(busy.get(), general, sizeof(address)), 0);
  ASSERT_EQ(::listen(busy.get(), 0), 0);
  std::vector<Descriptor> waiting;
  do {
    waiting.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  } while (::connect(waiting.back().get(), general, sizeof(address)) == 0);
  ASSERT_EQ(errno, EAGAIN);
  EXPECT_NE(refusal<std::runtime_error>({folder.address}), "");
  EXPECT_TRUE(std::filesystem::exists(folder.socket));
}

TEST(HttpListen, LeavesTheNameOfItsSuccessor) {
  const Folder folder;
  auto first = std::make_unique<HttpServer>(
      HttpOptions{.listen = {folder.address}},
      Routes{{"/", {[](const Request&) { return text_response(200, "first"); }}}});
  std::filesystem::remove(folder.socket);
  const HttpServer second = listening_on({folder.address});
  first.reset();
  EXPECT_EQ(test::get(folder.address, "/").body, "x");
}

TEST(HttpListen, ServesASocketThatListensAlready) {
  Listener ready = listen_on(parse_listen_address("127.0.0.1:0"));
  const HttpServer server(HttpOptions{.inherited = {ready.socket.release()}},
                          {{"/", {[](const Request&) { return text_response(200, "x"); }}}});
  EXPECT_EQ(server.addresses().at(0), ready.address);
  EXPECT_EQ(test::get(*ready.port, "/").body, "x");
}

TEST(HttpListen, RefusesADescriptorThatDoesNotListen) {
  const Descriptor connected(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Descriptor packets(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const sockaddr_un any{.sun_family = AF_UNIX, .sun_path = {}};  // the kernel chooses a name
  ASSERT_EQ(::bind(packets.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(sa_family_t)), 0);
  ASSERT_EQ(::listen(packets.get(), 1), 0);
  for (const int fd : {connected.get(), packets.get()}) {
    try {
      const HttpServer server(HttpOptions{.inherited = {fd}}, {});
      ADD_FAILURE();
    } catch (const std::runtime_error& e) {
      EXPECT_EQ(std::string(e.what()),
                "cannot listen on descriptor " + std::to_string(fd) +
                    ": it is not a stream socket that listens; write ListenStream= in its unit");
    }
  }
}

TEST(HttpListen, RefusesAnAddressThatIsInAnothersWay) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{":8001", ":8001"}, "cannot listen on \":8001\": it is given twice"},
      {{"[::]:8001", ":8001"},
       "cannot listen on \":8001\": [::]:8001, given before it, listens there, too"},
      {{":8001", "127.0.0.1:8001"},
       "cannot listen on \"127.0.0.1:8001\": :8001, given before it, listens there, too"},
      {{"[::1]:1", "localhost:8001", "0.0.0.0:8001"},
       "cannot listen on \"0.0.0.0:8001\": localhost:8001, given before it, listens there, too"},
      {{"[::1]:8001", "[0:0::1]:8001"},
       "cannot listen on \"[0:0::1]:8001\": [::1]:8001, given before it, listens there, too"},
      {{"unix:/x", "unix:/x"}, "cannot listen on \"unix:/x\": it is given twice"},
  };
  for (const auto& [addresses, why] : cases) {
    EXPECT_EQ(refusal<std::invalid_argument>(addresses), why);
  }
  const auto distinct = [](const std::vector<std::string>& given) {
    std::vector<ListenAddress> addresses;
    for (const std::string& address : given) addresses.push_back(parse_listen_address(address));
    check_distinct(addresses);
  };
  distinct({":0", ":0", "127.0.0.1:8001", "127.0.0.2:8001", "[::1]:8001", ":8002", "unix:/8001"});
  distinct({"0.0.0.0:8001", "[::1]:8001"});
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
  EXPECT_EQ(cannot_listen({":80", "", 80}, EACCES),
            "cannot listen on :80: permission denied; ports below 1024 need CAP_NET_BIND_SERVICE");
  EXPECT_EQ(cannot_listen({":80", "", 80}, EMFILE), "cannot listen on :80: Too many open files");
  EXPECT_EQ(cannot_listen(parse_listen_address("unix:/root/x"), EACCES),
            "cannot listen on unix:/root/x: permission denied");
}

TEST(HttpListen, RefusesBadAddressesWithWhatToWriteInstead) {
  const std::string another =
      "write an IP address such as 127.0.0.1:8001 or [::1]:8001, or :8001 for every interface";
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
      {":8001,:8002", "this is more than one address; give the flag once for each"},
      {"1.2.3.256:1", "\"1.2.3.256\" is not an IP address and names are not looked up; " + another},
      {"example.org:1",
       "\"example.org\" is not an IP address and names are not looked up; " + another},
      {"[::1]", "the port is missing; write [::1]:8001"},
      {"[::1]8001", "the port is missing; write [::1]:8001"},
      {"[::1:8001", "the bracket is not closed"},
      {"[1.2.3.4]:1", "\"1.2.3.4\" is not an IPv6 address; " + another},
      {"[]:1", "\"\" is not an IPv6 address; " + another},
      {"::1", "an IPv6 address needs brackets, and a port; write [::1]:8001"},
      {"fe80::1%eth0", "an IPv6 address needs brackets, and a port; write [fe80::1%eth0]:8001"},
      {"unix:", "the path is missing; write unix:/run/metrics/aggregator.socket"},
      {"unix:/" + std::string(107, 'x'), "the path of a unix socket has at most 107 bytes"},
  };
  for (const auto& [address, why] : cases) {
    const std::string before_why = "cannot listen on \"" + address + "\": ";
    const std::string message = refusal<std::invalid_argument>({address});
    EXPECT_TRUE(message.starts_with(before_why)) << message;
    EXPECT_EQ(message.substr(before_why.size()), why);
  }
}

TEST(HttpListen, RefusesAPathThatEndsBeforeItsText) {
  EXPECT_THROW(parse_listen_address(std::string_view("unix:/a\0b", 9)), std::invalid_argument);
}

TEST(HttpListen, ListensAgainWhereConnectionsHaveJustEnded) {
  auto first = std::make_unique<HttpServer>(
      HttpOptions{.listen = {"127.0.0.1:0"}},
      Routes{{"/", {[](const Request&) { return text_response(200, "x"); }}}});
  const std::uint16_t port = first->ports().at(0);
  {
    test::Client client(port);
    client.send("GET / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(client.receive().body, "x");
    EXPECT_TRUE(client.hung_up());  // the server's end is kept by the kernel for a minute
  }
  first.reset();
  const HttpServer second = listening_on({"127.0.0.1:" + std::to_string(port)});
  EXPECT_EQ(test::get(port, "/").body, "x");
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
  EXPECT_EQ(refused({.listen = {":0"}, .max_connections = 0}),
            "max_connections must be at least 1");
  constexpr std::chrono::milliseconds kNone(0);
  for (const HttpOptions& options : {HttpOptions{.listen = {":0"}, .request_timeout = kNone},
                                     HttpOptions{.listen = {":0"}, .response_timeout = kNone},
                                     HttpOptions{.listen = {":0"}, .keep_alive = kNone}}) {
    EXPECT_EQ(refused(options), "timeouts must be at least 1 ms");
  }
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
