#include "tests/torture/idle_connections.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace metrics::torture {

IdleConnections::IdleConnections(std::uint16_t port, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) break;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // In progress, perhaps forever: where the server's queue is full, the kernel answers nothing.
    static_cast<void>(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address));
    sockets_.push_back({fd, POLLOUT, 0});
  }
}

IdleConnections::~IdleConnections() {
  for (const pollfd& socket : sockets_) ::close(socket.fd);
}

std::size_t IdleConnections::connected() {
  ::poll(sockets_.data(), sockets_.size(), 0);
  return static_cast<std::size_t>(
      std::count_if(sockets_.begin(), sockets_.end(),
                    [](const pollfd& socket) { return socket.revents == POLLOUT; }));
}

}  // namespace metrics::torture
