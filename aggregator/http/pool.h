// pool.h -- the front's connections to civetweb: each is kept for the next request where it can be.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string_view>

#include "aggregator/http/answers.h"
#include "aggregator/http/backend.h"
#include "aggregator/http/descriptor.h"
#include "aggregator/http/event.h"

namespace metrics::http {

struct Client;
class Pool;

// A connection to civetweb, with one request at a time.
struct Exchange {
  Pool* pool;
  Descriptor socket;
  Event readable = nullptr;
  Client* client = nullptr;  // for which it is; nullptr while idle, or if that client has gone
  bool busy = false;
  bool once = false;  // not for a second request
  std::list<Exchange>::iterator self = {};
};

// For the thread of its event loop.
class Pool {
 public:
  // Called with each answer, and without one if civetweb gave none. The client, if it is still
  // there, has no exchange any more.
  using OnAnswer = std::function<void(Client*, std::optional<Answer>)>;

  // At most `connections` requests are served at a time. All three must outlive the pool.
  Pool(event_base& base, Backend& backend, int connections, OnAnswer on_answer);

  bool has_room() const { return busy_.size() < connections_; }

  // Sends the parts of a request's head, one behind the other. `once`: the connection must not be
  // used again; there may be no end of a head, and civetweb reads the end of the stream behind it.
  // Returns false if that is not possible.
  bool send(Client& client, std::string_view first, std::string_view rest, bool once);

  // Closes all connections; their requests get no answer.
  void close_all() noexcept;

 private:
  using List = std::list<Exchange>;
  static void on_readable(evutil_socket_t, short what, void* exchange) noexcept;

  Exchange* idle_or_new();
  void read(Exchange& exchange);
  void rest(Exchange& exchange);
  void drop(Exchange& exchange);

  event_base& base_;
  Backend& backend_;
  const std::size_t connections_;
  const OnAnswer on_answer_;
  List idle_;  // the one that was used last at the end
  List busy_;
};

}  // namespace metrics::http
