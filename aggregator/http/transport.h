// transport.h -- one client's bytes on their way, plain or in TLS.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "aggregator/http/descriptor.h"
#include "aggregator/http/event.h"

struct evbuffer;
struct ssl_ctx_st;

namespace metrics::http {

// About what OpenSSL has allocated for a connection in its handshake, and for one that is idle
// behind it (as measured with OpenSSL 3.0).
constexpr std::size_t kHandshakeBytes = std::size_t{48} << 10;
constexpr std::size_t kTlsBytes = std::size_t{16} << 10;

// Take over a connection. TLS begins with its handshake. Throw std::bad_alloc; the descriptor stays
// the caller's then.
BufferedSocket open_plain(event_base& base, Descriptor& connection);
BufferedSocket open_tls(event_base& base, Descriptor& connection, ssl_ctx_st& context);

// Returns what the buffer holds, in one piece.
std::string_view contiguous(evbuffer* buffer) noexcept;
void discard(evbuffer* buffer) noexcept;

// Sends a response: what the connection takes at once before it returns, and the rest by the event
// loop, as the connection takes it. Returns true if nothing is left; otherwise the write callback
// reports when that is so. Nothing else may be on its way. A null body is an empty one. A fault of
// the connection leaves bytes over, and reaches the event callback. Throws std::bad_alloc.
bool send(bufferevent& socket, std::string_view head, std::shared_ptr<const std::string> body);

// Tells the client that nothing follows. It may go on sending.
void end_output(bufferevent& socket) noexcept;

}  // namespace metrics::http
