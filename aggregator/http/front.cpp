#include "aggregator/http/front.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "aggregator/http/client.h"

namespace metrics::http {
namespace {

// How long the server waits for a client to hang up, reading what it still sends. Were the
// connection closed at once, with bytes unread, the kernel would reset it, and the client could
// lose the end of its response.
constexpr std::chrono::seconds kLinger{1};

// How long nobody is let in, and no request is passed on, where the process has no descriptor left.
constexpr std::chrono::milliseconds kPause{10};

// How many connections are accepted before the others have their turn: some milliseconds' worth.
// While thousands keep the thread busy, the kernel's queue must not fill up, where a scrape would
// have to knock again after a second.
constexpr int kAtOnce = 512;

// The most that one client is written before the others have their turn.
constexpr std::size_t kWriteAtOnce = std::size_t{1} << 20;

// About what OpenSSL has allocated for a connection in its handshake, and for one that is idle
// behind it (as measured with OpenSSL 3.0).
constexpr std::size_t kHandshakeBytes = 48 << 10;
constexpr std::size_t kTlsBytes = 16 << 10;

// Answers a request that came without TLS where it is needed.
Answer needs_tls() {
  const Response response = text_response(400, "This is an HTTPS server: write https://.\n");
  return {render_head(response, "Bad Request", AfterResponse::kClose), response.body,
          AfterResponse::kClose};
}

Event made(event* e) {
  if (e == nullptr) throw std::runtime_error("cannot serve HTTP: libevent made no event");
  return Event(e);
}

EventBase make_base() {
  const std::unique_ptr<event_config, decltype(&event_config_free)> config(event_config_new(),
                                                                           event_config_free);
  if (config != nullptr) {
    event_config_set_flag(config.get(), EVENT_BASE_FLAG_NOLOCK);  // one thread uses it
    EventBase base(event_base_new_with_config(config.get()));
    if (base != nullptr) return base;
  }
  throw std::runtime_error("cannot serve HTTP: libevent can't start");
}

std::string_view contiguous(evbuffer* buffer) noexcept {
  const std::size_t size = evbuffer_get_length(buffer);
  const unsigned char* const bytes = evbuffer_pullup(buffer, -1);
  return {reinterpret_cast<const char*>(bytes), bytes == nullptr ? 0 : size};
}

void discard(evbuffer* buffer) noexcept { evbuffer_drain(buffer, evbuffer_get_length(buffer)); }

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

struct Front::Door {
  Front* front;
  Listener listener;
  Event readable;
};

Front::Front(Options options, std::vector<Listener> listeners, Backend& backend)
    : options_(options),
      base_(make_base()),
      pool_(
          *base_, backend, options.threads,
          [this](Client* client, std::optional<Answer> made) { answer(client, std::move(made)); }),
      clients_(options.bounds),
      retry_(made(event_new(base_.get(), -1, 0, on_retry, this))),
      wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      wake_(made(event_new(base_.get(), wakeup_.get(), EV_READ | EV_PERSIST, on_wake, this))),
      deadline_(made(event_new(base_.get(), -1, 0, on_deadline, this))) {
  event_add(wake_.get(), nullptr);
  doors_.reserve(listeners.size());  // their addresses stay
  for (Listener& listener : listeners) {
    Door& door = doors_.emplace_back(Door{this, std::move(listener), nullptr});
    door.readable = made(event_new(base_.get(), door.listener.socket.get(), EV_READ | EV_PERSIST,
                                   on_connection, &door));
    event_add(door.readable.get(), nullptr);
  }
  thread_ = std::thread([this] { run(); });
}

Front::~Front() {
  if (thread_.joinable()) finish(std::chrono::steady_clock::now());
}

void Front::run() noexcept {
  ::pthread_setname_np(::pthread_self(), "http-front");
  event_base_dispatch(base_.get());
  for (const Event* const e : {&wake_, &deadline_, &retry_}) event_del(e->get());
  doors_.clear();
  clients_.close_all();
  pool_.close_all();
  event_base_loop(base_.get(), EVLOOP_NONBLOCK);  // only now are the descriptors closed
}

void Front::finish(std::chrono::steady_clock::time_point deadline) noexcept {
  finish_by_ = deadline;
  finishing_.store(true, std::memory_order_release);
  wake_up();
  thread_.join();
}

bool Front::alive() noexcept {
  const bool unanswered = asked_.exchange(true, std::memory_order_relaxed);
  wake_up();
  return !unanswered;
}

void Front::wake_up() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wakeup_.get(), &one, sizeof(one));  // not full
}

void Front::on_wake(evutil_socket_t, short, void* argument) noexcept {
  auto& self = *static_cast<Front*>(argument);
  std::uint64_t times = 0;
  // So that it ends to wake.
  [[maybe_unused]] const ssize_t got = ::read(self.wakeup_.get(), &times, sizeof(times));
  self.asked_.store(false, std::memory_order_relaxed);
  if (!self.finishing_.load(std::memory_order_acquire)) return;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      self.finish_by_ - std::chrono::steady_clock::now());
  const timeval at_most = to_timeval(std::max(left, std::chrono::milliseconds(0)));
  if (event_add(self.deadline_.get(), &at_most) != 0) event_base_loopbreak(self.base_.get());
  self.settle();
}

void Front::on_deadline(evutil_socket_t, short, void* argument) noexcept {
  event_base_loopbreak(static_cast<Front*>(argument)->base_.get());
}

// Every callback ends with it: it may close any client.
void Front::settle() {
  clients_.keep_within_bounds();
  const bool busy = clients_.any(State::kWaiting) || clients_.any(State::kServing) ||
                    clients_.any(State::kWriting);
  if (!busy && finishing_.load(std::memory_order_acquire)) event_base_loopbreak(base_.get());
}

// Closes the client if there is no memory for the step. A step that throws has not closed it.
void Front::attempt(Client& client, void (Front::*step)(Client&)) noexcept {
  try {
    (this->*step)(client);
  } catch (...) {
    clients_.close(client, Closed::kFailed);
  }
}

void Front::on_connection(evutil_socket_t, short, void* argument) noexcept {
  const Door& door = *static_cast<Door*>(argument);
  door.front->accept(door);
  door.front->settle();
}

void Front::accept(const Door& door) noexcept {
  for (int i = 0; i < kAtOnce; ++i) {
    Descriptor socket(
        ::accept4(door.listener.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      welcome(std::move(socket), door.listener);
      continue;
    }
    if (errno == EAGAIN) return;
    const bool exhausted =
        errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (!exhausted) continue;
    clients_.spare_one();
    for (Door& other : doors_) event_del(other.readable.get());
    retry_soon();
    return;
  }
}

// A descriptor that was closed is free only when the event loop comes to it.
void Front::retry_soon() noexcept {
  const timeval pause = to_timeval(kPause);
  if (event_add(retry_.get(), &pause) != 0) event_base_loopbreak(base_.get());
}

void Front::on_retry(evutil_socket_t, short, void* argument) noexcept {
  auto& self = *static_cast<Front*>(argument);
  for (Door& door : self.doors_) event_add(door.readable.get(), nullptr);
  self.serve_waiting();
  self.settle();
}

void Front::welcome(Descriptor socket, const Listener& listener) noexcept {
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  try {
    attempt(clients_.add(*this, std::move(socket), {.port = listener.port}), &Front::await);
  } catch (...) {  // out of memory: not let in
  }
}

void Front::await(Client& client) {
  client.timer = made(event_new(base_.get(), -1, 0, on_timer, &client));
  client.first_byte =
      made(event_new(base_.get(), client.fd(), EV_READ | EV_PERSIST, on_first_byte, &client));
  if (event_add(client.first_byte.get(), nullptr) != 0) throw std::bad_alloc();
  limit(client, options_.request_timeout);
}

void Front::on_first_byte(evutil_socket_t, short, void* argument) noexcept {
  auto& client = *static_cast<Client*>(argument);
  Front& self = *client.front;
  self.attempt(client, &Front::open);
  self.settle();
}

// Chooses the transport, by the rules of this moment.
void Front::open(Client& client) {
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
  client.socket.reset(bufferevent_socket_new(base_.get(), client.fd(), BEV_OPT_CLOSE_ON_FREE));
  if (client.socket == nullptr) throw std::bad_alloc();
  client.unopened.release();
  begin(client);
  if (rules->has_tls()) respond(client, needs_tls());
}

void Front::open_tls(Client& client, ssl_ctx_st& context) {
  SSL* const ssl = SSL_new(&context);
  if (ssl == nullptr) throw std::bad_alloc();
  client.socket.reset(bufferevent_openssl_socket_new(
      base_.get(), client.fd(), ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE));
  if (client.socket == nullptr) throw std::bad_alloc();
  client.unopened.release();
  client.origin.scheme = Origin::Scheme::kHttps;
  client.tls_bytes = kHandshakeBytes;
  clients_.move(client, State::kHandshaking);
  clients_.account(client);
  limit(client, options_.request_timeout);
  begin(client);
}

void Front::begin(Client& client) {
  bufferevent* const socket = client.socket.get();
  const timeval progress = to_timeval(options_.request_timeout);
  bufferevent_setcb(socket, on_read, on_written, on_end, &client);
  bufferevent_setwatermark(socket, EV_READ, 0, kMaxHead);
  bufferevent_set_max_single_write(socket, kWriteAtOnce);
  bufferevent_set_timeouts(socket, nullptr, &progress);
  if (bufferevent_enable(socket, EV_READ) != 0) throw std::bad_alloc();
}

// The TLS handshake is done.
void Front::shaken(Client& client) {
  client.tls_bytes = kTlsBytes;
  clients_.account(client);
  limit(client, options_.request_timeout);
  clients_.move(client, State::kIdle);
}

void Front::limit(Client& client, std::chrono::milliseconds time) {
  const timeval at_most = to_timeval(time);
  if (event_add(client.timer.get(), &at_most) != 0) throw std::bad_alloc();
}

void Front::on_read(bufferevent*, void* argument) noexcept {
  auto& client = *static_cast<Client*>(argument);
  Front& self = *client.front;
  self.clients_.account(client);
  switch (client.state) {
    case State::kIdle:
    case State::kReading:
      self.attempt(client, &Front::advance);
      break;
    case State::kClosing:
      discard(client.input());
      self.clients_.account(client);
      break;
    case State::kHandshaking:
    case State::kWaiting:
    case State::kServing:
    case State::kWriting:  // it is the next request, and has time
      break;
  }
  self.settle();
}

// Looks for a request in what has come.
void Front::advance(Client& client) {
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
void Front::request(Client& client) {
  event_del(client.timer.get());
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
  retry_soon();
}

// Gives the client its answer, and the thread that has become free to the client that has waited
// for longest.
void Front::answer(Client* client, std::optional<Answer> made) noexcept {
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

// Serves those that wait, as far as there is room, each once.
void Front::serve_waiting() noexcept {
  for (std::size_t n = clients_.size(State::kWaiting); n > 0 && pool_.has_room(); --n) {
    Client* const next = clients_.first(State::kWaiting);
    if (next == nullptr) return;
    attempt(*next, &Front::request);
  }
}

void Front::respond(Client& client, std::optional<Answer> made) {
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
  evbuffer* const output = client.output();
  if (evbuffer_add(output, made->head.data(), made->head.size()) != 0) throw std::bad_alloc();
  if (made->body != nullptr && !made->body->empty()) add_shared(output, std::move(made->body));
}

void Front::on_written(bufferevent*, void* argument) noexcept {
  auto& client = *static_cast<Client*>(argument);
  Front& self = *client.front;
  if (client.state == State::kWriting && evbuffer_get_length(client.output()) == 0) {
    self.attempt(client, &Front::taken);
  }
  self.settle();
}

void Front::taken(Client& client) {
  client.response_bytes = 0;
  clients_.account(client);
  clients_.let_go(client);
  if (client.then == AfterResponse::kClose) {
    linger(client);
    return;
  }
  client.head = {};
  limit(client, options_.keep_alive);
  clients_.move(client, State::kIdle);
  advance(client);
}

void Front::linger(Client& client) {
  if (SSL* const ssl = bufferevent_openssl_get_ssl(client.socket.get())) {
    ERR_clear_error();
    SSL_shutdown(ssl);  // says that this was the end; the client need not answer
  }
  if (client.input_ended) {
    clients_.close(client, client.why_closed);
    return;
  }
  ::shutdown(client.fd(), SHUT_WR);
  limit(client, kLinger);
  clients_.move(client, State::kClosing);
  discard(client.input());
  clients_.account(client);
}

void Front::on_end(bufferevent*, short what, void* argument) noexcept {
  auto& client = *static_cast<Client*>(argument);
  Front& self = *client.front;
  if (client.state == State::kHandshaking) {
    if ((what & BEV_EVENT_CONNECTED) != 0) {
      self.attempt(client, &Front::shaken);
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
      self.attempt(client, &Front::advance);
    }
  }
  self.settle();
}

void Front::on_timer(evutil_socket_t, short, void* argument) noexcept {
  auto& client = *static_cast<Client*>(argument);
  Front& self = *client.front;
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
      self.attempt(client, &Front::request);
      break;
    case State::kWriting:
      self.clients_.close(client, Closed::kResponseTimeout);
      break;
    case State::kClosing:
      self.clients_.close(client, client.why_closed);
      break;
    case State::kWaiting:
    case State::kServing:
      break;
  }
  self.settle();
}

}  // namespace metrics::http
