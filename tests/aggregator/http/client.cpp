#include "tests/aggregator/http/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <system_error>

#include "aggregator/http/ascii.h"

namespace metrics::test {

Client::Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  // Left to itself, the kernel may give a client that reads nothing room for tens of megabytes.
  const int buffer = 1 << 18;
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int error = errno;
    ::close(fd_);
    throw std::system_error(error, std::generic_category(), "connect");
  }
}

Client::~Client() { ::close(fd_); }

bool Client::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
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

Answer Client::get(const std::string& path) {
  send("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n");
  return receive();
}

Answer get(std::uint16_t port, const std::string& path) { return Client(port).get(path); }

}  // namespace metrics::test
