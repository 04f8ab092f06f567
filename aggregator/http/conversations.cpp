#include "aggregator/http/conversations.h"

#include <event2/buffer.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>
#include <string_view>
#include <utility>

#include "aggregator/http/client.h"
#include "aggregator/http/transport.h"

namespace metrics::http {
namespace {

// How long the server waits for a client to hang up, reading what it still sends. Were the
// connection closed at once, with bytes unread, the kernel would reset it, and the client could
// lose the end of its response.
constexpr std::chrono::seconds kLinger{1};

bool is_full(const evbuffer* input) noexcept { return evbuffer_get_length(input) >= kMaxHead; }

// Answers a request that came without TLS where it is needed.
Answer needs_tls() {
  const Response response = text_response(400, "This is an HTTPS server: write https://.\n");
  return {render_head(response, "Bad Request", AfterResponse::kClose), response.body,
          AfterResponse::kClose};
}

}  // namespace

Conversations::Conversations(event_base& base, Options options, Backend& backend,
                             std::function<void()> on_exhausted, std::function<void()> on_settled)
    : options_(options),
      base_(base),
      pool_(
          base, backend, options.threads,
          [this](Client* client, std::optional<Answer> made) { answer(client, std::move(made)); }),
      clients_(options.bounds),
      on_exhausted_(std::move(on_exhausted)),
      on_settled_(std::move(on_settled)) {}

void Conversations::close_all() noexcept {
  clients_.close_all();
  pool_.close_all();
}

bool Conversations::any_under_way() const {
  return clients_.any(State::kWaiting) || clients_.any(State::kServing) ||
         clients_.any(State::kWriting);
}

// Every callback ends with it: it may close any client.
void Conversations::settle() {
  clients_.keep_within_bounds();
  on_settled_();
}

// Closes the client if there is no memory for the step. A step that throws has not closed it.
void Conversations::attempt(Client& client, void (Conversations::*step)(Client&)) noexcept {
  try {
    (this->*step)(client);
  } catch (...) {
    clients_.close(client, Closed::kFailed);
  }
}

void Conversations::begin(Descriptor connection, const Listener& listener) noexcept {
  const int on = 1;
  ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  try {
    attempt(clients_.add(*this, std::move(connection), {.port = listener.port}),
            &Conversations::await);
  } catch (...) {  // out of memory: not let in
  }
}

void Conversations::await(Client& client) {
  client.timer = make_event(base_, -1, 0, on_timer, &client);
  client.first_byte = make_event(base_, client.fd(), EV_READ | EV_PERSIST, on_first_byte, &client);
  if (event_add(client.first_byte.get(), nullptr) != 0) throw std::bad_alloc();
  limit(client, options_.request_timeout);
}

void Conversations::on_first_byte(evutil_socket_t, short, void* argument) noexcept {
  auto& client = *static_cast<Client*>(argument);
  Conversations& self = *client.conversations;
  self.attempt(client, &Conversations::open);
  self.settle();
}

// Chooses the transport, by the rules of this moment.
void Conversations::open(Client& client) {
  char first = 0;
  const ssize_t size = ::recv(client.fd(), &first, 1, MSG_PEEK);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    clients_.close(client, Closed::kClient);
    return;
  }
  client.first_byte.reset();
  const auto rules = options_.rules->current();
  const bool is_http = first >= 'A' && first <= 'Z';
  if (rules->has_tls() && !is_http) {
    open_tls(client, *rules->tls.context);
    return;
  }
  client.socket = open_plain(base_, client.unopened);
  listen_to(client);
  if (rules->has_tls()) respond(client, needs_tls());
}

void Conversations::open_tls(Client& client, ssl_ctx_st& context) {
  client.socket = http::open_tls(base_, client.unopened, context);
  client.origin.scheme = Origin::Scheme::kHttps;
  client.tls_bytes = kHandshakeBytes;
  clients_.move(client, State::kHandshaking);
  clients_.account(client);
  limit(client, options_.request_timeout);
  listen_to(client);
}

void Conversations::listen_to(Client& client) {
  bufferevent* const socket = client.socket.get();
  const timeval progress = to_timeval(options_.request_timeout);
  bufferevent_setcb(socket, on_read, on_written, on_end, &client);
  // Over TLS, libevent would go on reading for as long as something has come.
  bufferevent_setwatermark(socket, EV_READ, 0, kMaxHead);
  bufferevent_set_timeouts(socket, nullptr, &progress);
  if (bufferevent_enable(socket, EV_READ) != 0) throw std::bad_alloc();
}

// The TLS handshake is done.
void Conversations::shaken(Client& client) {
  client.tls_bytes = kTlsBytes;
  clients_.account(client);
  limit(client, options_.request_timeout);
  clients_.move(client, State::kIdle);
}

void Conversations::limit(Client& client, std::chrono::milliseconds time) {
  const timeval at_most = to_timeval(time);
  if (event_add(client.timer.get(), &at_most) != 0) throw std::bad_alloc();
}

void Conversations::on_read(bufferevent*, void* argument) noexcept {
  auto& client = *static_cast<Client*>(argument);
  Conversations& self = *client.conversations;
  self.clients_.account(client);
  switch (client.state) {
    case State::kIdle:
    case State::kReading:
      self.attempt(client, &Conversations::advance);
      break;
    case State::kClosing:
      discard(client.input());
      self.clients_.account(client);
      break;
    case State::kWaiting:
    case State::kServing:
    case State::kWriting:  // it is the next request, and has time
      // libevent calls this function again and again while the buffer is full.
      if (is_full(client.input())) bufferevent_disable(client.socket.get(), EV_READ);
      break;
    case State::kHandshaking:
      break;
  }
  self.settle();
}

// Looks for a request in what has come.
void Conversations::advance(Client& client) {
  const std::string_view bytes = contiguous(client.input());
  if (bytes.empty()) {
    if (client.input_ended) clients_.close(client, Closed::kClient);
    return;
  }
  const HeadScanner::Result found = client.head.scan(bytes);
  if (found != HeadScanner::Result::kPartial) {
    client.request_cut = found == HeadScanner::Result::kBroken;
    request(client);
  } else if (client.input_ended) {
    client.request_cut = true;
    request(client);
  } else if (client.state == State::kIdle) {
    limit(client, options_.request_timeout);
    clients_.move(client, State::kReading);
  }
}

// Passes the request on, or lets it wait. What is no whole request is passed on, too: how it is
// answered is civetweb's business.
void Conversations::request(Client& client) {
  if (!pool_.has_room()) {
    clients_.move(client, State::kWaiting);
    return;
  }
  clients_.move(client, State::kServing);
  const std::string_view bytes = contiguous(client.input());
  const std::string_view head = client.request_cut ? bytes : bytes.substr(0, client.head.size());
  // civetweb would compare a target's port with that of its private socket, which has none.
  const auto [at, size] = client.request_cut ? std::pair<std::size_t, std::size_t>()
                                             : own_authority(head, client.origin);
  const bool once = client.request_cut || !client.head.plain();
  if (pool_.send(client, head.substr(0, at), head.substr(at + size), once)) {
    evbuffer_drain(client.input(), head.size());
    clients_.account(client);
    return;
  }
  clients_.spare_one();  // most likely, there is no descriptor left
  clients_.move(client, State::kWaiting);
  on_exhausted_();
}

// Gives the client its answer, and the thread that has become free to the client that has waited
// for longest.
void Conversations::answer(Client* client, std::optional<Answer> made) noexcept {
  if (client != nullptr) {
    try {
      respond(*client, std::move(made));
    } catch (...) {  // out of memory
      clients_.close(*client, Closed::kFailed);
    }
  }
  serve_waiting();
  settle();
}

void Conversations::serve_waiting() noexcept {
  for (std::size_t n = clients_.size(State::kWaiting); n > 0 && pool_.has_room(); --n) {
    Client* const next = clients_.first(State::kWaiting);
    if (next == nullptr) return;
    attempt(*next, &Conversations::request);
  }
}

void Conversations::respond(Client& client, std::optional<Answer> made) {
  if (!made) {
    clients_.close(client, Closed::kFailed);
    return;
  }
  client.then = made->then;
  client.response_bytes = made->head.size();
  clients_.account(client);
  clients_.hold(client, made->body);
  clients_.move(client, State::kWriting);
  limit(client, options_.response_timeout);
  if (send(*client.socket, made->head, std::move(made->body))) taken(client);
}

void Conversations::on_written(bufferevent*, void* argument) noexcept {
  auto& client = *static_cast<Client*>(argument);
  Conversations& self = *client.conversations;
  if (client.state == State::kWriting && evbuffer_get_length(client.output()) == 0) {
    self.attempt(client, &Conversations::taken);
  }
  self.settle();
}

void Conversations::taken(Client& client) {
  client.response_bytes = 0;
  clients_.account(client);
  clients_.let_go(client);
  if (!client.input_ended) bufferevent_enable(client.socket.get(), EV_READ);
  if (client.then == AfterResponse::kClose) {
    linger(client);
    return;
  }
  client.head = {};
  limit(client, options_.keep_alive);
  clients_.move(client, State::kIdle);
  advance(client);
}

void Conversations::linger(Client& client) {
  end_output(*client.socket);
  if (client.input_ended) {
    clients_.close(client, client.why_closed);
    return;
  }
  limit(client, kLinger);
  clients_.move(client, State::kClosing);
  discard(client.input());
  clients_.account(client);
}

void Conversations::on_end(bufferevent*, short what, void* argument) noexcept {
  auto& client = *static_cast<Client*>(argument);
  Conversations& self = *client.conversations;
  if (client.state == State::kHandshaking) {
    if ((what & BEV_EVENT_CONNECTED) != 0) {
      self.attempt(client, &Conversations::shaken);
    } else {
      self.clients_.close(client, Closed::kHandshake);
    }
  } else if (client.state == State::kClosing) {
    self.clients_.close(client, client.why_closed);
  } else if ((what & BEV_EVENT_TIMEOUT) != 0) {
    self.clients_.close(client, Closed::kResponseTimeout);
  } else if ((what & BEV_EVENT_EOF) == 0 || (what & BEV_EVENT_WRITING) != 0) {
    // The second, where a client has said in TLS that it ends, and no longer takes its response.
    self.clients_.close(client, Closed::kClient);
  } else {
    // The client may have closed only its own direction, and wait for its responses.
    client.input_ended = true;
    // libevent stops both directions where TLS says that one has ended.
    bufferevent_enable(client.socket.get(), EV_WRITE);
    if (client.state == State::kIdle || client.state == State::kReading) {
      self.attempt(client, &Conversations::advance);
    }
  }
  self.settle();
}

void Conversations::on_timer(evutil_socket_t, short, void* argument) noexcept {
  auto& client = *static_cast<Client*>(argument);
  Conversations& self = *client.conversations;
  switch (client.state) {
    case State::kIdle:
      self.clients_.close(client, Closed::kIdle);
      break;
    case State::kHandshaking:
      self.clients_.close(client, Closed::kHandshake);
      break;
    case State::kReading:
      client.request_cut = true;
      client.why_closed = Closed::kRequestTimeout;
      self.attempt(client, &Conversations::request);
      break;
    case State::kWriting:
      self.clients_.close(client, Closed::kResponseTimeout);
      break;
    case State::kClosing:
      self.clients_.close(client, client.why_closed);
      break;
    case State::kWaiting:
    case State::kServing:  // the time was for its request, which has come
      break;
  }
  self.settle();
}

}  // namespace metrics::http
