// private_socket.h -- a listening unix socket that only this process can reach.
#pragma once

#include <cstdint>

#include "aggregator/http/descriptor.h"

namespace metrics::http {

// It has no name in the file system: it is bound in a folder of mode 0700, held by a descriptor of
// its inode, and its name and the folder are removed before the constructor returns. A process that
// is killed leaves nothing behind, and another one can get at the socket only through this
// process's /proc/PID/fd, which the kernel allows to those who may trace this process.
class PrivateSocket {
 public:
  // Throws std::runtime_error, with one line that names what failed and what to do, if no folder
  // can be made.
  explicit PrivateSocket(int backlog);

  // Connects, without waiting. Returns an empty descriptor if that fails, with the reason in errno.
  Descriptor connect() const noexcept;

  // Puts this socket in the place of the TCP socket of this process that listens on 127.0.0.1 at
  // `port`: what accepts from that descriptor gets the private socket's connections from now on.
  // The owner of the descriptor closes it. Call it at most once. Throws std::runtime_error.
  void take_place_of(std::uint16_t port);

 private:
  Descriptor listener_;
  Descriptor inode_;
};

}  // namespace metrics::http
