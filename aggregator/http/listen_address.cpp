#include "aggregator/http/listen_address.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace metrics::http {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr const char* kEveryIpv4 = "0.0.0.0";

constexpr std::string_view kWriteAnother =
    "write an IP address such as 127.0.0.1:8001 or [::1]:8001, or :8001 for every interface";

[[noreturn]] void refuse(std::string_view given, const std::string& why) {
  throw std::invalid_argument("cannot listen on \"" + std::string(given) + "\": " + why);
}

bool all_digits(std::string_view text) noexcept {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  if (!all_digits(text)) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc()) return std::nullopt;
  return port;
}

bool is_ipv4(const std::string& host) noexcept {
  in_addr ignored{};
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1;
}

// Returns an IPv6 address, which may have a zone ("fe80::1%eth0"), in its one usual spelling. Empty
// if it is no such address.
std::string canonical_ipv6(const std::string& host) {
  const std::size_t zone = std::min(host.find('%'), host.size());
  in6_addr address{};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::inet_pton(AF_INET6, host.substr(0, zone).c_str(), &address) != 1 ||
      ::inet_ntop(AF_INET6, &address, text.data(), text.size()) == nullptr) {
    return "";
  }
  return text.data() + host.substr(zone);
}

ListenAddress parse_unix(std::string_view given) {
  const std::string path(given.substr(kUnix.size()));
  if (path.empty()) {
    refuse(given, "the path is missing; write unix:/run/metrics/aggregator.socket");
  }
  constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() > kLongest || path.find('\0') != std::string::npos) {
    refuse(given, "the path of a unix socket has at most " + std::to_string(kLongest) + " bytes");
  }
  return {std::string(given), "", 0, path};
}

// Splits the host from the port, and takes the brackets away.
std::pair<std::string, std::string_view> split(std::string_view given) {
  if (given.starts_with('[')) {
    const std::size_t end = given.find(']');
    if (end == std::string_view::npos) refuse(given, "the bracket is not closed");
    const std::string_view rest = given.substr(end + 1);
    if (!rest.starts_with(':')) {
      refuse(given,
             "the port is missing; write " + std::string(given.substr(0, end + 1)) + ":8001");
    }
    return {std::string(given.substr(1, end - 1)), rest.substr(1)};
  }
  const std::string text(given);
  const std::size_t colon = given.find(':');
  if (colon == std::string_view::npos) {
    if (all_digits(given)) refuse(given, "a port needs a colon before it; write :" + text);
    refuse(given, "the port is missing; write " + (is_ipv4(text) ? text : "127.0.0.1") + ":8001");
  }
  if (given.find(',') != std::string_view::npos) {
    refuse(given, "this is more than one address; give the flag once for each");
  }
  if (!canonical_ipv6(text).empty()) {
    refuse(given, "an IPv6 address needs brackets, and a port; write [" + text + "]:8001");
  }
  return {text.substr(0, colon), given.substr(colon + 1)};
}

// Returns true if a socket at `a` would be in the way of one at `b`.
bool overlap(const ListenAddress& a, const ListenAddress& b) noexcept {
  if (!a.path.empty() || !b.path.empty()) return a.path == b.path;
  if (a.port != b.port || a.port == 0) return false;
  const auto holds = [](const ListenAddress& x, const ListenAddress& y) {
    return x.host.empty() || x.host == y.host || (x.host == kEveryIpv4 && is_ipv4(y.host));
  };
  return holds(a, b) || holds(b, a);
}

// An address of any family, as the socket calls take it.
class SocketAddress {
 public:
  explicit SocketAddress(const ListenAddress& from) {
    if (!from.path.empty()) {
      auto& address = as<sockaddr_un>(AF_UNIX);
      from.path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    } else if (is_ipv4(from.host)) {
      auto& address = as<sockaddr_in>(AF_INET);
      address.sin_port = htons(from.port);
      ::inet_pton(AF_INET, from.host.c_str(), &address.sin_addr);
    } else {
      auto& address = as<sockaddr_in6>(AF_INET6);
      address.sin6_port = htons(from.port);
      const std::size_t zone = std::min(from.host.find('%'), from.host.size());
      ::inet_pton(AF_INET6, from.host.substr(0, zone).c_str(), &address.sin6_addr);
      if (zone < from.host.size()) {
        address.sin6_scope_id = ::if_nametoindex(from.host.c_str() + zone + 1);
      }
    }
  }
  // Reads the address that a socket is bound to.
  explicit SocketAddress(int socket) noexcept : size_(sizeof(storage_)) {
    if (::getsockname(socket, get(), &size_) != 0) size_ = 0;
  }

  int family() const noexcept { return storage_.ss_family; }
  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t size() const noexcept { return size_; }

  std::optional<std::uint16_t> port() const noexcept {
    if (family() == AF_INET) return ntohs(view<sockaddr_in>().sin_port);
    if (family() == AF_INET6) return ntohs(view<sockaddr_in6>().sin6_port);
    return std::nullopt;
  }

  std::string spelled() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (family() == AF_INET) {
      ::inet_ntop(AF_INET, &view<sockaddr_in>().sin_addr, text.data(), text.size());
      return std::string(text.data()) + ':' + std::to_string(*port());
    }
    if (family() == AF_INET6) {
      ::inet_ntop(AF_INET6, &view<sockaddr_in6>().sin6_addr, text.data(), text.size());
      std::string zone;
      std::array<char, IF_NAMESIZE> name{};
      if (const std::uint32_t scope = view<sockaddr_in6>().sin6_scope_id;
          scope != 0 && ::if_indextoname(scope, name.data()) != nullptr) {
        zone = std::string("%") + name.data();
      }
      return '[' + std::string(text.data()) + zone + "]:" + std::to_string(*port());
    }
    const std::size_t begin = offsetof(sockaddr_un, sun_path);
    std::string path(view<sockaddr_un>().sun_path, size_ > begin ? size_ - begin : 0);
    if (path.starts_with('\0')) return std::string(kUnix) + '@' + path.substr(1);
    return std::string(kUnix) + path.substr(0, path.find('\0'));
  }

 private:
  template <typename Address>
  Address& as(sa_family_t family) noexcept {
    storage_.ss_family = family;
    size_ = sizeof(Address);
    return reinterpret_cast<Address&>(storage_);
  }
  template <typename Address>
  const Address& view() const noexcept {
    return reinterpret_cast<const Address&>(storage_);
  }

  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

// Removes the name of a unix socket that nobody listens on any more. Other files stay.
void remove_if_dead(SocketAddress& address, const std::string& path) noexcept {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return;
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe || ::connect(probe.get(), address.get(), address.size()) == 0) return;
  if (errno == ECONNREFUSED) ::unlink(path.c_str());
}

// Returns an empty descriptor on failure, with the reason in errno.
Descriptor listening(const ListenAddress& where) noexcept {
  SocketAddress address(where);
  Descriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return {};
  const int on = 1;
  if (address.family() == AF_UNIX) {
    remove_if_dead(address, where.path);
  } else if (::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0) {
    // So that a server which is started anew need not wait for the end of its former connections.
    return {};
  }
  // Some machines are set to keep the families apart.
  const int apart = 0;
  if (address.family() == AF_INET6 &&
      ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &apart, sizeof(apart)) != 0) {
    return {};
  }
  if (::bind(socket.get(), address.get(), address.size()) != 0) return {};
  if (::listen(socket.get(), SOMAXCONN) != 0) return {};
  return socket;
}

Listener described(Descriptor socket) {
  const SocketAddress bound(socket.get());
  return {std::move(socket), bound.spelled(), bound.port()};
}

}  // namespace

SocketName::SocketName(std::string path) noexcept : path_(std::move(path)) {
  struct stat file {};
  if (::lstat(path_.c_str(), &file) != 0) {
    path_.clear();
    return;
  }
  device_ = file.st_dev;
  inode_ = file.st_ino;
}

SocketName::SocketName(SocketName&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

SocketName::~SocketName() {
  struct stat file {};
  if (path_.empty() || ::lstat(path_.c_str(), &file) != 0) return;
  if (file.st_dev == device_ && file.st_ino == inode_) ::unlink(path_.c_str());
}

ListenAddress parse_listen_address(std::string_view given) {
  if (given.starts_with(kUnix)) return parse_unix(given);
  auto [host, port_text] = split(given);
  const std::optional<std::uint16_t> port = parse_port(port_text);
  if (!port) refuse(given, "the port must be a number from 0 to 65535");
  if (host == "localhost") host = "127.0.0.1";
  if (given.starts_with('[')) {
    const std::string inside = std::exchange(host, canonical_ipv6(host));
    if (host.empty()) {
      refuse(given, "\"" + inside + "\" is not an IPv6 address; " + std::string(kWriteAnother));
    }
    if (host == "::") host.clear();
  } else if (!host.empty() && !is_ipv4(host)) {
    refuse(given, "\"" + host + "\" is not an IP address and names are not looked up; " +
                      std::string(kWriteAnother));
  }
  return {std::string(given), host, *port};
}

void check_distinct(std::span<const ListenAddress> addresses) {
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    for (const ListenAddress& before : addresses.first(i)) {
      if (!overlap(before, addresses[i])) continue;
      refuse(addresses[i].given, before.given == addresses[i].given
                                     ? "it is given twice"
                                     : before.given + ", given before it, listens there, too");
    }
  }
}

std::string cannot_listen(const ListenAddress& address, int error) {
  const std::string line = "cannot listen on " + address.given + ": ";
  const bool is_unix = !address.path.empty();
  switch (error) {
    case EADDRINUSE:
      return line + (is_unix ? "a process listens there, or the file is no socket; stop that "
                               "process or choose another path"
                             : "address already in use; stop what listens there or choose another "
                               "port");
    case EACCES:
      return line + "permission denied" +
             (is_unix ? "" : "; ports below 1024 need CAP_NET_BIND_SERVICE");
    case EADDRNOTAVAIL:
    case EINVAL:  // an address that is valid on one link only, without that link's name
    case ENODEV:
      return line + "no interface of this machine has that address";
    case EAFNOSUPPORT:
      return line + "this machine has no IPv6; write an IPv4 address";
    default:
      return line + std::generic_category().message(error);
  }
}

Listener listen_on(const ListenAddress& address) {
  Descriptor socket = listening(address);
  const bool every = address.path.empty() && address.host.empty();
  if (!socket && every && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
    // A machine without IPv6.
    ListenAddress ipv4 = address;
    ipv4.host = kEveryIpv4;
    socket = listening(ipv4);
  }
  if (!socket) throw std::runtime_error(cannot_listen(address, errno));
  Listener listener = described(std::move(socket));
  if (address.path.empty()) return listener;
  return {std::move(listener.socket), std::move(listener.address), listener.port,
          SocketName(address.path)};
}

Listener adopt(int descriptor) {
  const auto refused = [descriptor](const char* why) {
    return std::runtime_error("cannot listen on descriptor " + std::to_string(descriptor) + ": " +
                              why);
  };
  const auto option = [descriptor](int name) {
    int value = -1;
    socklen_t size = sizeof(value);
    return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  if (option(SO_ACCEPTCONN) != 1 || option(SO_TYPE) != SOCK_STREAM) {
    throw refused("it is not a stream socket that listens; write ListenStream= in its unit");
  }
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0 || ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
    throw refused("its flags can't be set");
  }
  return described(Descriptor(descriptor));
}

}  // namespace metrics::http
