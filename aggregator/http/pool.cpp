#include "aggregator/http/pool.h"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "aggregator/http/client.h"
#include "aggregator/http/send.h"

namespace metrics::http {
namespace {

// How many idle connections are kept, and for how long: civetweb's thread of each wakes up every 2
// s.
constexpr std::size_t kKept = 8;
constexpr std::chrono::seconds kKeptFor{5};

// Returns false if the socket did not take all. A unix socket does, with kMaxHead bytes at most and
// nothing else under way.
bool send_all(int fd, std::string_view first, std::string_view rest) noexcept {
  return send_now(fd, first, rest) == first.size() + rest.size();
}

}  // namespace

Pool::Pool(event_base& base, Backend& backend, int connections, OnAnswer on_answer)
    : base_(base),
      backend_(backend),
      connections_(static_cast<std::size_t>(connections)),
      on_answer_(std::move(on_answer)) {}

bool Pool::send(Client& client, std::string_view first, std::string_view rest, bool once) {
  Exchange* const exchange = idle_or_new();
  if (exchange == nullptr) return false;
  if (!send_all(exchange->socket.get(), first, rest)) {
    drop(*exchange);
    return false;
  }
  if (once) ::shutdown(exchange->socket.get(), SHUT_WR);
  exchange->once = once;
  exchange->client = &client;
  client.exchange = exchange;
  return true;
}

// Returns a busy exchange, or nullptr if none can be had.
Exchange* Pool::idle_or_new() {
  if (idle_.empty()) {
    // Kept until the connection is made: civetweb needs one for its end, and has none to give up.
    const Descriptor for_civetweb(::eventfd(0, EFD_CLOEXEC));
    if (!for_civetweb) return nullptr;
    Descriptor socket = backend_.connect();
    if (!socket) return nullptr;
    Exchange& made = idle_.emplace_back(Exchange{this, std::move(socket)});
    made.self = std::prev(idle_.end());
    made.readable.reset(
        event_new(&base_, made.socket.get(), EV_READ | EV_PERSIST, on_readable, &made));
    if (made.readable == nullptr) {
      drop(made);
      return nullptr;
    }
  }
  Exchange& exchange = idle_.back();
  if (event_add(exchange.readable.get(), nullptr) != 0) {
    drop(exchange);
    return nullptr;
  }
  event_remove_timer(exchange.readable.get());
  busy_.splice(busy_.end(), idle_, exchange.self);
  exchange.busy = true;
  return &exchange;
}

void Pool::on_readable(evutil_socket_t, short what, void* argument) noexcept {
  auto& exchange = *static_cast<Exchange*>(argument);
  Pool& pool = *exchange.pool;
  if (!exchange.busy) {
    // It was idle for too long, or civetweb has closed it.
    pool.drop(exchange);
    return;
  }
  if ((what & EV_READ) != 0) pool.read(exchange);
}

void Pool::read(Exchange& exchange) {
  Answers::Ticket ticket = 0;
  const ssize_t size = ::recv(exchange.socket.get(), &ticket, sizeof(ticket), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  std::optional<Answer> answer;
  if (size == ssize_t{sizeof(ticket)}) answer = backend_.answers().take(ticket);
  Client* const client = std::exchange(exchange.client, nullptr);
  if (client != nullptr) client->exchange = nullptr;
  if (answer && answer->then == AfterResponse::kKeepAlive && !exchange.once) {
    rest(exchange);
  } else {
    drop(exchange);
  }
  on_answer_(client, std::move(answer));
}

void Pool::rest(Exchange& exchange) {
  const timeval at_most = to_timeval(kKeptFor);
  if (idle_.size() >= kKept || event_add(exchange.readable.get(), &at_most) != 0) {
    drop(exchange);
    return;
  }
  idle_.splice(idle_.end(), busy_, exchange.self);
  exchange.busy = false;
}

void Pool::close_all() noexcept {
  idle_.clear();
  busy_.clear();
}

void Pool::drop(Exchange& exchange) {
  List& list = exchange.busy ? busy_ : idle_;
  list.erase(exchange.self);
}

}  // namespace metrics::http
