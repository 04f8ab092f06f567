// idle_connections.h -- connections on which the client never sends a byte.
#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace metrics::torture {

class IdleConnections {
 public:
  // Begins that many connections to the port on the loopback address, and waits for none of them.
  // Begins fewer where the process has no more descriptors.
  IdleConnections(std::uint16_t port, std::size_t count);
  IdleConnections(const IdleConnections&) = delete;
  IdleConnections& operator=(const IdleConnections&) = delete;
  ~IdleConnections();
  // Returns how many are connected at the moment.
  std::size_t connected();

 private:
  std::vector<pollfd> sockets_;
};

}  // namespace metrics::torture
