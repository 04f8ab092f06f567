// server.h -- a small HTTP/1.1 server: fixed paths, GET and HEAD, no files.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/http/counts.h"
#include "aggregator/http/routes.h"
#include "aggregator/web/rules_file.h"

namespace metrics::http {

struct HttpOptions {
  std::vector<std::string> listen = {};  // see listen_address.h
  std::vector<int> inherited = {};       // sockets that listen already; the server closes them
  int max_requests = 40;                 // served at a time; further ones get 503
  // Threads in addition to max_requests ones, which answer 503 and serve exempt routes.
  int spare_threads = 4;
  // Connections at a time, idle ones included; never more than half of the descriptors that the
  // process may have. Above it, each new connection closes another one: the one that has been idle
  // for longest, or, if none is idle, the one that has been sending its request, or taking its
  // response, for longest.
  int max_connections = 4096;
  // Bytes of requests and responses that wait for their clients. Above it, those connections are
  // cut off that have been taking their response for longest; but three may always do so, whatever
  // the size of their responses. TLS may take as many bytes; above it, those connections are cut
  // off that have been in their handshake, or else idle, for longest.
  std::size_t max_buffered_bytes = std::size_t{64} << 20;
  // How long a client may take to send a request's head, and how long it may go without accepting
  // more of its response.
  std::chrono::milliseconds request_timeout{10'000};
  // How long a client may take to accept a whole response. No Prometheus waits longer for one: its
  // scrape_timeout may not exceed the interval, which is a minute by default.
  std::chrono::milliseconds response_timeout{60'000};
  // How long a connection may be idle between requests: longer than the usual interval of scrapes,
  // so that not every one needs a connection of its own. Idle connections give way, see above.
  std::chrono::milliseconds keep_alive{120'000};
  // TLS, users and their passwords, headers, a rate limit; nullptr: none of them. Their messages go
  // to its own log.
  std::shared_ptr<web::RulesFile> rules = nullptr;
  // Gets the reason when a handler fails, and civetweb's messages. Several threads may call it at
  // once; its exceptions are ignored. May be empty.
  std::function<void(std::string_view)> log = {};
};

// Returns how many connections there may be: max_connections, but never more than half of the
// descriptors that the process may have, since handlers need some, too.
std::size_t connection_limit(const HttpOptions& options) noexcept;

// Serves from its construction until stop() or its destruction.
//
// Answers by itself, in plain text: 401, 429 and 503 to requests that the web configuration
// refuses, whatever their path; 400 to HTTP where TLS is spoken; 404 to unknown paths; 405 with
// Allow to methods other than GET and HEAD; 503 with Retry-After to requests above the limit, and
// while stopping; 500 if a handler throws; 400 to anything that is not an HTTP request, to unknown
// methods, to request targets on another host, to a request line and headers that exceed 16 KB or
// take longer than request_timeout; 411 to a Content-Length that is not a length; 505 to versions
// other than 1.0 and 1.1. A request with a body is answered, but its connection is closed: the body
// is not read.
//
// Its threads have the signal mask of the constructing thread, and make the whole process ignore
// SIGPIPE.
class HttpServer {
 public:
  // Starts to listen and to serve, before it returns. Throws std::invalid_argument for a bad option
  // or address; std::runtime_error, with one line that names the address as given and the reason,
  // if it can't listen.
  HttpServer(HttpOptions options, Routes routes);

  // Stops the server as stop() does.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Returns where it listens, in the order of options.inherited and then options.listen; after
  // stop() too: "127.0.0.1:8001", "[::]:8001" or "unix:PATH", with the bound ports. Thread-safe.
  const std::vector<std::string>& addresses() const noexcept;

  // Returns the bound ports in that order, 0 for unix sockets. Thread-safe.
  const std::vector<std::uint16_t>& ports() const noexcept;

  // Returns what is being served now, and why connections were closed. Thread-safe.
  Counts counts() const;

  // Returns whether the thread that has all connections has come round since the last call: if it
  // has not, and the last call was long ago, nobody is served any more. Returns true at the first
  // call. Thread-safe; not for use after stop().
  bool alive() noexcept;

  // Waits for the responses under way, until their clients have taken them, for request_timeout at
  // most; then closes all connections. Requests that arrive meanwhile get 503. Returns when all
  // threads have ended; idle connections and unfinished requests don't delay that. Thread-safe, and
  // may be called again. A handler must not call it: it would wait for itself.
  void stop() noexcept;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace metrics::http
