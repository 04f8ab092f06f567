#include "aggregator/http/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace metrics::http {
namespace {

constexpr std::string_view kWriteAnother =
    "write an IPv4 address such as 127.0.0.1:8001, or :8001 for every interface";

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

}  // namespace

ListenAddress parse_listen_address(std::string_view given) {
  const std::size_t colon = given.rfind(':');
  if (colon == std::string_view::npos) {
    const std::string text(given);
    if (all_digits(given)) refuse(given, "a port needs a colon before it; write :" + text);
    refuse(given, "the port is missing; write " + (is_ipv4(text) ? text : "127.0.0.1") + ":8001");
  }
  std::string host(given.substr(0, colon));
  if (host.find_first_of(":[]") != std::string::npos) {
    refuse(given, "IPv6 is not supported; " + std::string(kWriteAnother));
  }
  const std::optional<std::uint16_t> port = parse_port(given.substr(colon + 1));
  if (!port) refuse(given, "the port must be a number from 0 to 65535");
  if (host.empty()) host = "0.0.0.0";
  if (host == "localhost") host = "127.0.0.1";
  if (!is_ipv4(host)) {
    refuse(given, "\"" + host + "\" is not an IPv4 address and names are not looked up; " +
                      std::string(kWriteAnother));
  }
  return {std::string(given), host, *port};
}

std::string cannot_listen(const ListenAddress& address, int error) {
  const std::string line = "cannot listen on " + address.given + ": ";
  switch (error) {
    case EADDRINUSE:
      return line + "address already in use; stop what listens there or choose another port";
    case EACCES:
      return line + "permission denied; ports below 1024 need CAP_NET_BIND_SERVICE";
    case EADDRNOTAVAIL:
      return line + "no interface of this machine has that address";
    default:
      return line + std::generic_category().message(error);
  }
}

Listener listen_on(const ListenAddress& address) {
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_port = htons(address.port);
  ::inet_pton(AF_INET, address.host.c_str(), &local.sin_addr);
  auto* const general = reinterpret_cast<sockaddr*>(&local);
  socklen_t size = sizeof(local);
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // So that a server which is started anew need not wait for the end of its former connections.
  const int on = 1;
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      ::bind(socket.get(), general, size) != 0 || ::listen(socket.get(), SOMAXCONN) != 0 ||
      ::getsockname(socket.get(), general, &size) != 0) {
    throw std::runtime_error(cannot_listen(address, errno));
  }
  return {std::move(socket), ntohs(local.sin_port)};
}

}  // namespace metrics::http
