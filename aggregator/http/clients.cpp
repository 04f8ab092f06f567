#include "aggregator/http/clients.h"

#include <event2/buffer.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "aggregator/http/pool.h"

namespace metrics::http {
namespace {

// A client that goes on sending must not keep the server from its end.
constexpr int kReadsAtEnd = 64;

}  // namespace

Client& Clients::add(Conversations& conversations, Descriptor socket, Origin origin) {
  if (size_ >= bounds_.connections) spare_one();
  List& idle = in(State::kIdle);
  Client& client = idle.emplace_back(
      Client{.conversations = &conversations, .unopened = std::move(socket), .origin = origin});
  client.self = std::prev(idle.end());
  ++size_;
  count(State::kIdle);
  return client;
}

void Clients::spare_one() {
  for (const State state : {State::kIdle, State::kClosing, State::kHandshaking, State::kReading,
                            State::kWriting, State::kWaiting}) {
    if (Client* const client = first(state)) {
      close(*client, Closed::kConnections);
      return;
    }
  }
}

void Clients::move(Client& client, State to) {
  const State from = client.state;
  in(to).splice(in(to).end(), in(from), client.self);
  client.state = to;
  count(from);
  count(to);
}

void Clients::close(Client& client, Closed why) {
  if (client.exchange != nullptr) client.exchange->client = nullptr;
  tls_ -= client.accounted_tls_bytes;
  tls_bytes_.store(tls_, std::memory_order_relaxed);
  let_go(client);
  buffered_ -= client.accounted_bytes;
  buffered_bytes_.store(buffered_, std::memory_order_relaxed);
  closed_[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed);
  const State state = client.state;
  in(state).erase(client.self);
  --size_;
  count(state);
}

void Clients::close_all() noexcept {
  std::array<char, kMaxHead> unread;
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    for (const Client& client : lists_[i]) {
      const int fd = client.fd();
      for (int read = 0; read < kReadsAtEnd; ++read) {
        if (::recv(fd, unread.data(), unread.size(), MSG_DONTWAIT) <= 0) break;
      }
    }
    lists_[i].clear();
    count(static_cast<State>(i));
  }
  size_ = 0;
  holders_.clear();
  tls_ = 0;
  tls_bytes_.store(0, std::memory_order_relaxed);
  buffered_ = 0;
  buffered_bytes_.store(0, std::memory_order_relaxed);
}

void Clients::account(Client& client) {
  const std::size_t now = evbuffer_get_length(client.input()) + client.response_bytes;
  buffered_ += now - client.accounted_bytes;
  client.accounted_bytes = now;
  buffered_bytes_.store(buffered_, std::memory_order_relaxed);
  tls_ += client.tls_bytes - client.accounted_tls_bytes;
  client.accounted_tls_bytes = client.tls_bytes;
  tls_bytes_.store(tls_, std::memory_order_relaxed);
}

void Clients::hold(Client& client, std::shared_ptr<const std::string> body) {
  if (body == nullptr) return;
  if (++holders_[body.get()] == 1) buffered_ += body->size();
  client.body = std::move(body);
  buffered_bytes_.store(buffered_, std::memory_order_relaxed);
}

void Clients::let_go(Client& client) {
  if (client.body == nullptr) return;
  const auto holders = holders_.find(client.body.get());
  if (--holders->second == 0) {
    holders_.erase(holders);
    buffered_ -= client.body->size();
  }
  client.body.reset();
  buffered_bytes_.store(buffered_, std::memory_order_relaxed);
}

void Clients::keep_within_bounds() {
  while (buffered_ > bounds_.buffered_bytes) {
    if (in(State::kWriting).size() > kAlwaysWriting) {
      close(in(State::kWriting).front(), Closed::kBufferedBytes);
    } else if (any(State::kReading)) {
      close(in(State::kReading).front(), Closed::kBufferedBytes);
    } else {
      break;
    }
  }
  while (tls_ > bounds_.buffered_bytes) {
    Client* const spared = spared_for_tls();
    if (spared == nullptr) break;
    close(*spared, Closed::kBufferedBytes);
  }
}

// Handshakes may take half, so that they keep no client out that is behind its own, nor those
// clients a handshake that begins.
Client* Clients::spared_for_tls() {
  List& handshakes = in(State::kHandshaking);
  if (!handshakes.empty() &&
      handshakes.size() * handshakes.front().tls_bytes > bounds_.buffered_bytes / 2) {
    return &handshakes.front();
  }
  for (const State state : {State::kIdle, State::kClosing, State::kReading}) {
    List& list = in(state);
    const auto found = std::find_if(list.begin(), list.end(),
                                    [](const Client& client) { return client.tls_bytes > 0; });
    if (found != list.end()) return &*found;
  }
  return first(State::kHandshaking);
}

Client* Clients::first(State state) { return any(state) ? &in(state).front() : nullptr; }

void Clients::count(State state) {
  connections_[static_cast<std::size_t>(state)].store(in(state).size(), std::memory_order_relaxed);
}

void Clients::count_into(Counts& counts) const {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    counts.connections[i] = connections_[i].load(std::memory_order_relaxed);
  }
  for (std::size_t i = 0; i < closed_.size(); ++i) {
    counts.closed[i] = closed_[i].load(std::memory_order_relaxed);
  }
  counts.tls_bytes = tls_bytes_.load(std::memory_order_relaxed);
  counts.buffered_bytes = buffered_bytes_.load(std::memory_order_relaxed);
}

}  // namespace metrics::http
