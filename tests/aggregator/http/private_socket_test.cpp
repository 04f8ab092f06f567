// The socket between the front and civetweb: nobody else can reach it, and it leaves no trace.
#include "aggregator/http/private_socket.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "aggregator/http/listen_address.h"
#include "aggregator/http/server.h"
#include "tests/aggregator/http/client.h"
#include "tests/support/eventually.h"

namespace {

// Called before a descriptor is put in the place of another one.
std::function<void(int replaced)> before_dup3;

}  // namespace

// In the place of libc's.
extern "C" int dup3(int fd, int replaced, int flags) noexcept {
  if (before_dup3) before_dup3(replaced);
  return static_cast<int>(::syscall(SYS_dup3, fd, replaced, flags));
}

namespace metrics::http {
namespace {

namespace fs = std::filesystem;

// $TMPDIR, for as long as it lives.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& path) { ::setenv("TMPDIR", path.c_str(), 1); }
  ~TemporaryFolder() { ::unsetenv("TMPDIR"); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
};

std::string fresh_folder() {
  std::string path = fs::temp_directory_path().string() + "/private_socket_test-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("no folder " + path);
  return path;
}

TEST(PrivateSocket, LeavesNoNameInTheFileSystem) {
  const std::string path = fresh_folder();
  {
    const TemporaryFolder temporary(path);
    const PrivateSocket socket(1);
    EXPECT_TRUE(fs::is_empty(path));
    EXPECT_TRUE(socket.connect());
  }
  EXPECT_TRUE(fs::remove(path));
}

TEST(PrivateSocket, NeedsNoWritableTemporaryFolder) {
  const TemporaryFolder temporary("/proc");
  EXPECT_TRUE(PrivateSocket(1).connect());
}

TEST(PrivateSocket, IsFoundInAFolderOfAnyLength) {
  const std::string path = fresh_folder();
  const std::string deep = path + '/' + std::string(200, 'x');
  fs::create_directory(deep);
  {
    const TemporaryFolder temporary(deep);
    EXPECT_TRUE(PrivateSocket(1).connect());
  }
  fs::remove_all(path);
}

// As civetweb's thread does, which waits for seconds at a time.
TEST(PrivateSocket, WakesAThreadThatWaitsForTheReplacedSocket) {
  const Descriptor tcp = listen_on(parse_listen_address("127.0.0.1:0")).socket;
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  ASSERT_EQ(::getsockname(tcp.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  std::promise<pid_t> thread;
  std::future<short> woken = std::async(std::launch::async, [&] {
    thread.set_value(::gettid());
    pollfd waiting = {.fd = tcp.get(), .events = POLLIN, .revents = 0};
    ::poll(&waiting, 1, 20'000);
    return waiting.revents;
  });
  const std::string stat = "/proc/self/task/" + std::to_string(thread.get_future().get()) + "/stat";
  ASSERT_TRUE(test::eventually([&] {
    std::string line;
    std::getline(std::ifstream(stat), line);
    return line.find(") S ") != std::string::npos;
  }));
  PrivateSocket socket(1);
  socket.take_place_of(ntohs(address.sin_port));
  EXPECT_EQ(woken.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(woken.get(), POLLIN);
}

// The ports on which this process listens.
std::multiset<std::uint16_t> listening() {
  std::multiset<std::uint16_t> ports;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    const std::string name = entry.path().filename();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    int listens = 0;
    socklen_t size = sizeof(listens);
    sockaddr_in address{};
    socklen_t length = sizeof(address);
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0 &&
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
        address.sin_family == AF_INET) {
      ports.insert(ntohs(address.sin_port));
    }
  }
  return ports;
}

TEST(PrivateSocket, LeavesNoOtherWayToCivetweb) {
  const HttpServer server({.listen = {"127.0.0.1:0"}},
                          {{"/", {[](const Request&) { return text_response(200, "x"); }}}});
  const std::uint16_t port = server.ports().at(0);
  EXPECT_EQ(test::get(port, "/").body, "x");
  EXPECT_EQ(listening(), std::multiset<std::uint16_t>{port});
}

// Another user of the machine can connect to civetweb's own socket while that is still there.
TEST(PrivateSocket, AnswersNobodyWhoReachedCivetwebBeforeIt) {
  std::unique_ptr<test::Client> early;
  before_dup3 = [&early](int listener) {
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    early = std::make_unique<test::Client>(ntohs(address.sin_port));
    EXPECT_TRUE(test::eventually([listener] {  // civetweb has accepted it
      tcp_info state{};
      socklen_t length = sizeof(state);
      return ::getsockopt(listener, IPPROTO_TCP, TCP_INFO, &state, &length) == 0 &&
             state.tcpi_unacked == 0;
    }));
  };
  const HttpServer server({.listen = {"127.0.0.1:0"}},
                          {{"/", {[](const Request&) { return text_response(200, "x"); }}}});
  before_dup3 = nullptr;
  ASSERT_NE(early, nullptr);
  early->send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(early->hung_up()) << "it holds one of civetweb's threads";
  EXPECT_EQ(test::get(server.ports().at(0), "/").body, "x");
  EXPECT_TRUE(test::eventually([&] { return server.counts().buffered_bytes == 0; }));
}

// Returns how many ends of unix sockets this process has.
std::size_t unix_sockets() {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    const std::string name = entry.path().filename();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    int domain = 0;
    socklen_t size = sizeof(domain);
    if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX) ++count;
  }
  return count;
}

// Were another reader to find the end of such a head elsewhere, the rest of it would be the begin
// of the next client's request. A connection that takes no more looks like one that can't be had:
// somebody idle would have to make room.
TEST(PrivateSocket, HasNoSecondRequestBehindOneWhoseLinesEndOddly) {
  const HttpServer server({.listen = {"127.0.0.1:0"}},
                          {{"/", {[](const Request&) { return text_response(200, "x"); }}}});
  test::Client idle(server.ports().at(0));
  EXPECT_EQ(idle.get("/").body, "x");
  test::Client client(server.ports().at(0));
  for (const std::string odd : {"GET / HTTP/1.1\nX: y\r\n\r\n", "GET / HTTP/1.1\r\nX: y\n\n"}) {
    client.send(odd + "GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(client.receive().body, "x") << odd;
    EXPECT_EQ(client.receive().body, "x") << "behind " << odd;
  }
  EXPECT_EQ(idle.get("/").body, "x");
}

// Each takes a thread of civetweb, and two descriptors.
TEST(PrivateSocket, KeepsFewConnectionsForLater) {
  constexpr std::size_t kMany = 20, kKept = 8;
  const std::size_t without = unix_sockets();
  std::latch all(kMany);
  const HttpServer server({.listen = {"127.0.0.1:0"}}, {{"/", {[&all](const Request&) {
                                                           all.arrive_and_wait();
                                                           return text_response(200, "x");
                                                         }}}});
  std::vector<std::unique_ptr<test::Client>> clients;
  for (std::size_t i = 0; i < kMany; ++i) {
    clients.push_back(std::make_unique<test::Client>(server.ports().at(0)));
    clients.back()->send("GET / HTTP/1.1\r\n\r\n");
  }
  for (const auto& client : clients) EXPECT_EQ(client->receive().body, "x");
  EXPECT_LE(unix_sockets(), without + 1 + kMany + kKept) << "the front's ends of the others";
}

// civetweb has a thread for each, which wakes up now and then.
TEST(PrivateSocket, IsLeftByConnectionsThatNobodyNeeds) {
  const std::size_t without = unix_sockets();
  const HttpServer server({.listen = {"127.0.0.1:0"}},
                          {{"/", {[](const Request&) { return text_response(200, "x"); }}}});
  test::Client client(server.ports().at(0));
  EXPECT_EQ(client.get("/").body, "x");
  EXPECT_GT(unix_sockets(), without + 1);
  EXPECT_TRUE(
      test::eventually([&] { return unix_sockets() == without + 1; }, std::chrono::seconds(20)));
  EXPECT_EQ(client.get("/").body, "x");
}

}  // namespace
}  // namespace metrics::http
