// conversations.h -- what passes between clients and server, step by step: TLS where it must be
// spoken, whole request heads to the backend, and its responses, as fast as each client takes them.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "aggregator/http/backend.h"
#include "aggregator/http/clients.h"
#include "aggregator/http/counts.h"
#include "aggregator/http/descriptor.h"
#include "aggregator/http/event.h"
#include "aggregator/http/listen_address.h"
#include "aggregator/http/pool.h"
#include "aggregator/web/rules_file.h"

namespace metrics::http {

// A client that is idle, that sends a part of a request, or that takes its response slowly costs
// memory, within bounds, and never a thread or a seat. Until its first byte, it costs little more
// than its descriptor, with TLS and without.
//
// For the thread of its event loop, except for count_into().
class Conversations {
 public:
  struct Options {
    Clients::Bounds bounds;
    web::RulesFile* rules;                       // which must outlive the front
    int threads;                                 // requests that `backend` serves at a time
    std::chrono::milliseconds request_timeout;   // for a whole head, and for each bit of progress
                                                 // in taking a response
    std::chrono::milliseconds response_timeout;  // for taking a whole response
    std::chrono::milliseconds keep_alive;        // until the next request begins
  };

  // `on_exhausted` is called when a request can't be passed on, most likely for want of a
  // descriptor, and must have serve_waiting() called later; `on_settled` by settle(). `backend`
  // must outlive this.
  Conversations(event_base& base, Options options, Backend& backend,
                std::function<void()> on_exhausted, std::function<void()> on_settled);
  Conversations(const Conversations&) = delete;
  Conversations& operator=(const Conversations&) = delete;

  // Begins with a client that has connected to the listener. Without memory, it is closed.
  void begin(Descriptor connection, const Listener& listener) noexcept;

  // Serves those that wait, as far as there is room, each once.
  void serve_waiting() noexcept;

  // Closes clients until they are within their bounds. Must be called after each of the calls
  // above.
  void settle();

  // As Clients::spare_one().
  void spare_one() { clients_.spare_one(); }

  // Returns whether a request is being served, or a response taken.
  bool any_under_way() const;

  void close_all() noexcept;

  // Sets the connections and the bytes that are buffered for them. Thread-safe.
  void count_into(Counts& counts) const { clients_.count_into(counts); }

 private:
  static void on_first_byte(evutil_socket_t, short, void* client) noexcept;
  static void on_read(bufferevent*, void* client) noexcept;
  static void on_written(bufferevent*, void* client) noexcept;
  static void on_end(bufferevent*, short what, void* client) noexcept;
  static void on_timer(evutil_socket_t, short, void* client) noexcept;

  void attempt(Client& client, void (Conversations::*step)(Client&)) noexcept;
  void answer(Client* client, std::optional<Answer> made) noexcept;

  // Steps of a client, in their order. Each may close it, and then destroys it.
  void await(Client& client);
  void open(Client& client);
  void open_tls(Client& client, ssl_ctx_st& context);
  void listen_to(Client& client);
  void shaken(Client& client);
  void advance(Client& client);
  void request(Client& client);
  void respond(Client& client, std::optional<Answer> made);
  void taken(Client& client);
  void linger(Client& client);

  void limit(Client& client, std::chrono::milliseconds time);

  const Options options_;
  event_base& base_;
  Pool pool_;
  Clients clients_;
  const std::function<void()> on_exhausted_;
  const std::function<void()> on_settled_;
};

}  // namespace metrics::http
