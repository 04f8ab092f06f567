// The socket between the front and civetweb: nobody else can reach it, and it leaves no trace.
#include "aggregator/http/private_socket.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <stdexcept>
#include <string>

#include "aggregator/http/listen_address.h"
#include "aggregator/http/server.h"
#include "tests/aggregator/http/client.h"
#include "tests/support/eventually.h"

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

}  // namespace
}  // namespace metrics::http
