// clients.h -- all clients' connections: what each is at, and the bounds on their number and on
// what is buffered for them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "aggregator/http/client.h"
#include "aggregator/http/counts.h"

namespace metrics::http {

// For one thread, except for count_into().
class Clients {
 public:
  struct Bounds {
    std::size_t connections;
    std::size_t buffered_bytes;  // of requests and responses; and as many for TLS
  };
  explicit Clients(Bounds bounds) : bounds_(bounds) {}

  // Adds an idle client. Closes another one if there are too many.
  Client& add(Conversations& conversations, Descriptor socket, Origin origin);

  // Closes the client that can best be spared: of those that are idle the one that is so for
  // longest, else of those that close, else that handshake, read, write or wait. Does nothing if
  // all clients are being served. Its descriptor is free when the event loop goes on.
  void spare_one();

  // Puts the client at the end of the list of that state.
  void move(Client& client, State to);

  // Closes the connection and destroys the client. A request that a thread has is served for
  // nobody.
  void close(Client& client, Closed why);

  // Closes all connections. What the clients have sent before is read, so that no reset takes the
  // end of a response from them.
  void close_all() noexcept;

  // Notes how much the client buffers now, by itself.
  void account(Client& client);

  // Notes that the client is sent this body, until let_go() or close(). Clients that are sent the
  // same one buffer it together: it is in memory once. Throws std::bad_alloc, without effect.
  void hold(Client& client, std::shared_ptr<const std::string> body);
  void let_go(Client& client);

  // Closes clients until they buffer no more than allowed: first those that have been taking their
  // response for longest, down to kAlwaysWriting, then those that have been sending a request for
  // longest. Then until TLS takes no more than that: those that have been in their handshake for
  // longest while handshakes take more than half, else those that have been idle for longest, else
  // those that close or that have been sending a request for longest.
  void keep_within_bounds();

  // The client that came first to this state; nullptr if none is in it.
  Client* first(State state);
  bool any(State state) const { return !in(state).empty(); }
  std::size_t size(State state) const { return in(state).size(); }

  // Sets what is known here. Thread-safe.
  void count_into(Counts& counts) const;

 private:
  // As many clients may take a response at a time, whatever its size: so two Prometheis and a user
  // can scrape an exposition of any size.
  static constexpr std::size_t kAlwaysWriting = 3;

  using List = std::list<Client>;
  List& in(State state) { return lists_[static_cast<std::size_t>(state)]; }
  const List& in(State state) const { return lists_[static_cast<std::size_t>(state)]; }
  Client* spared_for_tls();
  void count(State state);

  const Bounds bounds_;
  std::array<List, kStateNames.size()> lists_;  // in each, in the order of their coming
  std::size_t size_ = 0;
  std::unordered_map<const std::string*, std::size_t> holders_;  // how many clients a body has
  std::size_t buffered_ = 0;
  std::size_t tls_ = 0;

  // Copies, for other threads.
  std::array<std::atomic<std::uint64_t>, kStateNames.size()> connections_{};
  std::array<std::atomic<std::uint64_t>, kClosedNames.size()> closed_{};
  std::atomic<std::uint64_t> buffered_bytes_{0};
  std::atomic<std::uint64_t> tls_bytes_{0};
};

}  // namespace metrics::http
