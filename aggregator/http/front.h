// front.h -- the thread that has all clients' connections: it speaks TLS with them where it must,
// collects whole request heads, passes them on, and sends the responses as fast as each client
// takes them.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "aggregator/http/backend.h"
#include "aggregator/http/clients.h"
#include "aggregator/http/counts.h"
#include "aggregator/http/descriptor.h"
#include "aggregator/http/doors.h"
#include "aggregator/http/event.h"
#include "aggregator/http/listen_address.h"
#include "aggregator/http/loop.h"
#include "aggregator/http/pool.h"
#include "aggregator/web/rules_file.h"

namespace metrics::http {

// A client that is idle, that sends a part of a request, or that takes its response slowly costs
// memory, within bounds, and never a thread or a seat. Until its first byte, it costs little more
// than its descriptor, with TLS and without.
class Front {
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

  // Serves from its construction until finish(). Throws std::runtime_error if it can't start.
  // `backend` must outlive it.
  Front(Options options, std::vector<Listener> listeners, Backend& backend);
  ~Front();
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  // Waits until no request is served and each client has taken its response, but no longer than
  // until `deadline`; then closes all connections and ends the thread. Call it at most once.
  void finish(std::chrono::steady_clock::time_point deadline) noexcept;

  // Returns whether the thread has come round since the last call, and asks it to come round again.
  // Returns true at the first call. Thread-safe.
  bool alive() noexcept;

  // Sets the connections and the bytes that are buffered for them. Thread-safe.
  void count_into(Counts& counts) const { clients_.count_into(counts); }

 private:
  static void on_retry(evutil_socket_t, short, void* front) noexcept;
  static void on_first_byte(evutil_socket_t, short, void* client) noexcept;
  static void on_read(bufferevent*, void* client) noexcept;
  static void on_written(bufferevent*, void* client) noexcept;
  static void on_end(bufferevent*, short what, void* client) noexcept;
  static void on_timer(evutil_socket_t, short, void* client) noexcept;
  static void on_deadline(evutil_socket_t, short, void* front) noexcept;

  void run() noexcept;
  void woken() noexcept;
  void settle();
  void retry_soon() noexcept;
  void serve_waiting() noexcept;
  void attempt(Client& client, void (Front::*step)(Client&)) noexcept;
  void let_in(const Listener& listener) noexcept;
  void welcome(Descriptor socket, const Listener& listener) noexcept;
  void answer(Client* client, std::optional<Answer> made) noexcept;

  // Steps of a client, in their order. Each may close it, and then destroys it.
  void await(Client& client);
  void open(Client& client);
  void open_tls(Client& client, ssl_ctx_st& context);
  void begin(Client& client);
  void shaken(Client& client);
  void advance(Client& client);
  void request(Client& client);
  void respond(Client& client, std::optional<Answer> made);
  void taken(Client& client);
  void linger(Client& client);

  void limit(Client& client, std::chrono::milliseconds time);

  const Options options_;
  Loop loop_;
  Pool pool_;
  Clients clients_;
  Doors doors_;
  Event retry_;
  Event deadline_;
  std::chrono::steady_clock::time_point finish_by_{};  // written before `finishing_`
  std::atomic<bool> finishing_{false};
  std::atomic<bool> asked_{false};  // whether it lives, and it has not come round since
  std::thread thread_;
};

}  // namespace metrics::http
