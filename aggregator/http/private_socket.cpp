#include "aggregator/http/private_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace metrics::http {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "http";

// A folder that exists on every Linux with shared memory, as this program needs it: the directory
// for temporary files is missing or read-only in many containers.
constexpr const char* kSecondChoice = "/dev/shm";

[[noreturn]] void fail(const std::string& what, int error) {
  throw std::runtime_error("cannot serve HTTP: " + what + ": " +
                           std::generic_category().message(error));
}

std::string temporary_folder() {
  std::error_code ignored;
  const fs::path path = fs::temp_directory_path(ignored);
  return path.empty() ? "/tmp" : path.string();
}

// Makes a folder of mode 0700. Returns its path.
std::string make_folder() {
  const std::string first = temporary_folder();
  int error = 0;
  for (const std::string& parent : {first, std::string(kSecondChoice)}) {
    std::string path = parent + "/metrics-aggregator-XXXXXX";
    if (::mkdtemp(path.data()) != nullptr) return path;
    error = errno;
  }
  fail("can't make a folder for a private socket in " + first + " or " + kSecondChoice +
           "; set TMPDIR to a folder that this user may write to",
       error);
}

// Removes the folder and the socket's name in it.
class Folder {
 public:
  Folder() : path_(make_folder()), fd_(::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    if (!fd_) fail("can't open " + path_, errno);
  }
  ~Folder() {
    ::unlink((path_ + '/' + kName).c_str());
    ::rmdir(path_.c_str());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  int fd() const { return fd_.get(); }

 private:
  const std::string path_;
  const Descriptor fd_;
};

// An address through a descriptor: it is short, whatever the length of the path.
sockaddr_un address_through(int fd, const char* name) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d%s%s", fd,
                *name != '\0' ? "/" : "", name);
  return address;
}

const sockaddr* general(const auto& address) { return reinterpret_cast<const sockaddr*>(&address); }

sockaddr_in loopback(std::uint16_t port) noexcept {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool listens_at(int fd, const sockaddr_in& address) noexcept {
  int listens = 0;
  socklen_t size = sizeof(listens);
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) {
    return false;
  }
  sockaddr_in bound{};
  size = sizeof(bound);
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) == 0 &&
         bound.sin_family == AF_INET && bound.sin_port == address.sin_port &&
         bound.sin_addr.s_addr == address.sin_addr.s_addr;
}

std::optional<int> descriptor_that_listens_at(const sockaddr_in& address) {
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    const std::string name = entry.path().filename();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (listens_at(fd, address)) return fd;
  }
  return std::nullopt;
}

}  // namespace

PrivateSocket::PrivateSocket(int backlog)
    : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  if (!listener_) fail("can't make a unix socket", errno);
  const Folder folder;
  const sockaddr_un address = address_through(folder.fd(), kName);
  if (::bind(listener_.get(), general(address), sizeof(address)) != 0 ||
      ::listen(listener_.get(), backlog) != 0) {
    fail("can't listen on a private socket through /proc/self/fd", errno);
  }
  inode_ = Descriptor(::openat(folder.fd(), kName, O_PATH | O_CLOEXEC));
  if (!inode_) fail("can't open a private socket", errno);
}

Descriptor PrivateSocket::connect() const noexcept {
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_through(inode_.get(), "");
  if (socket && ::connect(socket.get(), general(address), sizeof(address)) == 0) return socket;
  return {};
}

void PrivateSocket::take_place_of(std::uint16_t port) {
  const sockaddr_in address = loopback(port);
  const std::optional<int> place = descriptor_that_listens_at(address);
  if (!place) throw std::runtime_error("cannot serve HTTP: civetweb's socket is not found");
  if (::dup3(listener_.get(), *place, O_CLOEXEC) < 0) fail("can't replace a socket", errno);
  listener_ = Descriptor();
  // A thread may be in poll() on the replaced socket, which lives for as long as that lasts:
  // seconds. A connection to it ends the poll if there is one to the private socket, too: when the
  // kernel wakes the thread, it looks at what the descriptor's number stands for by then.
  const Descriptor first = connect();
  const Descriptor knock(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  static_cast<void>(::connect(knock.get(), general(address), sizeof(address)));
}

}  // namespace metrics::http
