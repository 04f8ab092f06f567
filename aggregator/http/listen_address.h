// listen_address.h -- reads the addresses to listen on, as users write them, and listens there.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/http/descriptor.h"

namespace metrics::http {

struct ListenAddress {
  std::string given;       // as the user wrote it, for messages
  std::string host;        // an IP address without brackets; empty: every interface, IPv4 and IPv6
  std::uint16_t port = 0;  // 0: any free port
  std::string path = {};   // of a unix socket, which has neither host nor port; else empty
};

// The name of a unix socket in the file system, which is removed with its owner if it is still that
// socket's.
class SocketName {
 public:
  SocketName() = default;
  explicit SocketName(std::string path) noexcept;  // which exists
  SocketName(SocketName&& other) noexcept;
  SocketName& operator=(SocketName&&) = delete;
  ~SocketName();

 private:
  std::string path_;  // empty: none
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// A socket that listens and does not block.
struct Listener {
  Descriptor socket;
  std::string address;                // "127.0.0.1:8001", "[::]:8001", "unix:/run/metrics.socket"
  std::optional<std::uint16_t> port;  // the bound one; none for a unix socket
  SocketName name = {};
};

// Reads ":8001" (every interface, IPv4 and IPv6), "127.0.0.1:8001", "[::1]:8001", "localhost:8001"
// (which is 127.0.0.1; other names are not looked up) or "unix:PATH". Throws std::invalid_argument
// for anything else, with one line that names what to write instead.
ListenAddress parse_listen_address(std::string_view given);

// Throws std::invalid_argument, with one line that names both, if two of the addresses can't be
// listened on at the same time because they are the same, or one is a part of the other.
void check_distinct(std::span<const ListenAddress> addresses);

// Throws std::runtime_error, with the message of cannot_listen(), if it can't. Of a unix socket
// whose process has ended, it takes the name.
Listener listen_on(const ListenAddress& address);

// Returns the error message for an address on which bind() or listen() failed with this errno.
std::string cannot_listen(const ListenAddress& address, int error);

// Takes over a socket that listens already, as systemd passes them on. Throws std::runtime_error,
// with one line, if the descriptor is not such a socket.
Listener adopt(int descriptor);

}  // namespace metrics::http
