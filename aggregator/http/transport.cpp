#include "aggregator/http/transport.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <new>
#include <utility>

#include "aggregator/http/send.h"

namespace metrics::http {
namespace {

// The most that one client is written before the others have their turn.
constexpr std::size_t kWriteAtOnce = std::size_t{1} << 20;

BufferedSocket taken_over(bufferevent* made, Descriptor& connection) {
  if (made == nullptr) throw std::bad_alloc();
  connection.release();
  bufferevent_set_max_single_write(made, kWriteAtOnce);
  return BufferedSocket(made);
}

// Adds the bytes from `from` on, which stay where they are, and keeps them there until they are
// sent.
void add_shared(evbuffer* buffer, std::shared_ptr<const std::string> bytes, std::size_t from) {
  auto holder = std::make_unique<std::shared_ptr<const std::string>>(std::move(bytes));
  const auto let_go = [](const void*, std::size_t, void* held) {
    delete static_cast<std::shared_ptr<const std::string>*>(held);
  };
  const std::string& text = **holder;
  if (evbuffer_add_reference(buffer, text.data() + from, text.size() - from, let_go,
                             holder.get()) != 0) {
    throw std::bad_alloc();
  }
  static_cast<void>(holder.release());
}

// Returns how many bytes of `head` and then of `body` the connection takes at once. An error stays
// in OpenSSL's queue: libevent empties that before each of its own calls.
std::size_t give(SSL* ssl, std::string_view head, std::string_view body) noexcept {
  std::size_t given = 0;
  for (std::string_view left : {head, body}) {
    while (!left.empty()) {
      const int sent = SSL_write(ssl, left.data(), static_cast<int>(left.size()));
      if (sent <= 0) return given;
      given += static_cast<std::size_t>(sent);
      left.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  return given;
}

// Each record of TLS is written by itself: corked, they are sent in segments of full size, which
// takes the kernel, and the client, less time.
void cork(int fd, int on) noexcept { ::setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on)); }

}  // namespace

BufferedSocket open_plain(event_base& base, Descriptor& connection) {
  return taken_over(bufferevent_socket_new(&base, connection.get(), BEV_OPT_CLOSE_ON_FREE),
                    connection);
}

BufferedSocket open_tls(event_base& base, Descriptor& connection, ssl_ctx_st& context) {
  SSL* const ssl = SSL_new(&context);
  if (ssl == nullptr) throw std::bad_alloc();
  return taken_over(
      bufferevent_openssl_socket_new(&base, connection.get(), ssl, BUFFEREVENT_SSL_ACCEPTING,
                                     BEV_OPT_CLOSE_ON_FREE),
      connection);
}

std::string_view contiguous(evbuffer* buffer) noexcept {
  const std::size_t size = evbuffer_get_length(buffer);
  const unsigned char* const bytes = evbuffer_pullup(buffer, -1);
  return {reinterpret_cast<const char*>(bytes), bytes == nullptr ? 0 : size};
}

void discard(evbuffer* buffer) noexcept { evbuffer_drain(buffer, evbuffer_get_length(buffer)); }

bool send(bufferevent& socket, std::string_view head, std::shared_ptr<const std::string> body) {
  const std::string_view all = body != nullptr ? std::string_view(*body) : std::string_view();
  const std::string_view first = all.substr(0, kWriteAtOnce);
  const int fd = bufferevent_getfd(&socket);
  std::size_t given = 0;
  if (SSL* const ssl = bufferevent_openssl_get_ssl(&socket)) {
    cork(fd, 1);
    given = give(ssl, head, first);
    cork(fd, 0);
  } else {
    given = send_now(fd, head, first);
  }
  evbuffer* const output = bufferevent_get_output(&socket);
  if (given < head.size()) {
    if (evbuffer_add(output, head.data() + given, head.size() - given) != 0) throw std::bad_alloc();
    given = head.size();
  }
  given -= head.size();
  if (given < all.size()) add_shared(output, std::move(body), given);
  return evbuffer_get_length(output) == 0;
}

void end_output(bufferevent& socket) noexcept {
  if (SSL* const ssl = bufferevent_openssl_get_ssl(&socket)) {
    SSL_shutdown(ssl);  // says that this was the end; the client need not answer
  }
  ::shutdown(bufferevent_getfd(&socket), SHUT_WR);
}

}  // namespace metrics::http
