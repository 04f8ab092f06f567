#include "aggregator/http/send.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>

namespace metrics::http {

std::size_t send_now(int fd, std::string_view first, std::string_view rest) noexcept {
  std::array<iovec, 2> parts = {{{const_cast<char*>(first.data()), first.size()},
                                 {const_cast<char*>(rest.data()), rest.size()}}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

}  // namespace metrics::http
