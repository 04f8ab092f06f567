#include "tests/aggregator/http/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "aggregator/http/ascii.h"

namespace metrics::test {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

sockaddr_storage parsed(const std::string& address) {
  sockaddr_storage storage{};
  if (address.starts_with("unix:")) {
    auto& unix_address = reinterpret_cast<sockaddr_un&>(storage);
    unix_address.sun_family = AF_UNIX;
    address.substr(5).copy(unix_address.sun_path, sizeof(unix_address.sun_path) - 1);
    return storage;
  }
  auto& ipv6 = reinterpret_cast<sockaddr_in6&>(storage);
  const std::size_t end = address.rfind("]:");
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(end + 2))));
  ::inet_pton(AF_INET6, address.substr(1, end - 1).c_str(), &ipv6.sin6_addr);
  return storage;
}

const sockaddr* general(const auto& address) { return reinterpret_cast<const sockaddr*>(&address); }

}  // namespace

Client::Client(const sockaddr* address, socklen_t size)
    : fd_(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  // Left to itself, the kernel may give a client that reads nothing room for tens of megabytes.
  const int buffer = 1 << 18;
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
  if (::connect(fd_, address, size) != 0) {
    const int error = errno;
    ::close(fd_);
    throw std::system_error(error, std::generic_category(), "connect");
  }
}

Client::Client(std::uint16_t port) : Client(general(loopback(port)), sizeof(sockaddr_in)) {}

Client::Client(const std::string& address)
    : Client(general(parsed(address)),
             address.starts_with("unix:") ? sizeof(sockaddr_un) : sizeof(sockaddr_in6)) {}

Client::~Client() {
  if (fd_ >= 0) ::close(fd_);
}

bool Client::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Client::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  ::close(std::exchange(fd_, -1));
}

void Client::finish_sending() const { ::shutdown(fd_, SHUT_WR); }

std::string Client::receive_some(std::size_t at_most) {
  if (unread_.empty()) fill();
  std::string some = unread_.substr(0, at_most);
  unread_.erase(0, some.size());
  return some;
}

bool Client::fill() {
  std::array<char, 65'536> buffer;
  const ssize_t received = ::recv(fd_, buffer.data(), buffer.size(), 0);
  if (received <= 0) return false;
  unread_.append(buffer.data(), static_cast<std::size_t>(received));
  return true;
}

Answer Client::receive_head() {
  std::size_t end = 0;
  while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return {};
  }
  Answer answer;
  std::string_view head = std::string_view(unread_).substr(0, end);
  answer.status = std::atoi(std::string(head.substr(0, 12)).c_str() + sizeof("HTTP/1.1"));
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n")) {
    head.remove_prefix(at + 2);
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const std::size_t colon = line.find(": ");
    std::string name(line.substr(0, colon));
    for (char& c : name) c = http::ascii_lower(c);
    answer.headers[name] = line.substr(colon + 2);
  }
  unread_.erase(0, end + 4);
  return answer;
}

Answer Client::receive() {
  Answer answer = receive_head();
  if (answer.status == 0) return answer;
  const std::size_t size = std::strtoull(answer.headers["content-length"].c_str(), nullptr, 10);
  while (unread_.size() < size && fill()) {
  }
  answer.body = unread_.substr(0, size);
  answer.whole = answer.body.size() == size;
  unread_.erase(0, answer.body.size());
  return answer;
}

Answer Client::receive_of_head() { return receive_head(); }

std::string Client::receive_to_end() {
  while (fill()) {
  }
  return std::move(unread_);
}

bool Client::hung_up() {
  char byte = 0;
  return unread_.empty() && ::recv(fd_, &byte, 1, 0) == 0;
}

std::uint16_t Client::port() const {
  sockaddr_in own{};
  socklen_t size = sizeof(own);
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &size);
  return ntohs(own.sin_port);
}

Answer Client::get(const std::string& path) {
  send("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n");
  return receive();
}

Answer get(std::uint16_t port, const std::string& path) { return Client(port).get(path); }
Answer get(const std::string& address, const std::string& path) {
  return Client(address).get(path);
}

}  // namespace metrics::test
