#include "aggregator/http/transport.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <new>
#include <utility>

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

// Adds bytes that stay where they are, and keeps them there until they are sent.
void add_shared(evbuffer* buffer, std::shared_ptr<const std::string> bytes) {
  auto holder = std::make_unique<std::shared_ptr<const std::string>>(std::move(bytes));
  const auto let_go = [](const void*, std::size_t, void* held) {
    delete static_cast<std::shared_ptr<const std::string>*>(held);
  };
  const std::string& text = **holder;
  if (evbuffer_add_reference(buffer, text.data(), text.size(), let_go, holder.get()) != 0) {
    throw std::bad_alloc();
  }
  static_cast<void>(holder.release());
}

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

void send(bufferevent& socket, std::string_view head, std::shared_ptr<const std::string> body) {
  evbuffer* const output = bufferevent_get_output(&socket);
  if (evbuffer_add(output, head.data(), head.size()) != 0) throw std::bad_alloc();
  if (body != nullptr && !body->empty()) add_shared(output, std::move(body));
}

void end_output(bufferevent& socket) noexcept {
  if (SSL* const ssl = bufferevent_openssl_get_ssl(&socket)) {
    ERR_clear_error();
    SSL_shutdown(ssl);  // says that this was the end; the client need not answer
  }
  ::shutdown(bufferevent_getfd(&socket), SHUT_WR);
}

}  // namespace metrics::http
