// server.h -- a small HTTP/1.1 server: fixed paths, GET and HEAD, no files.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/http/routes.h"

namespace metrics::http {

struct HttpOptions {
  std::vector<std::string> listen = {};  // at least one; see listen_address.h
  int max_requests = 40;                 // served at a time; further ones get 503
  // Each connection, idle or not, has one thread. These threads, in addition to max_requests ones,
  // answer 503, serve exempt routes, and hold idle connections.
  int spare_threads = 16;
  // How long a client may take to send a request, and how long it may go without accepting more of
  // its response; the latter is rounded up to 2 s.
  std::chrono::milliseconds request_timeout{10'000};
  // How long a connection may be idle between requests. While more than half of the threads have a
  // connection, each new response closes its connection.
  std::chrono::milliseconds keep_alive{1'000};
  // Gets the reason when a handler fails, and civetweb's messages. Several threads may call it at
  // once; its exceptions are ignored. May be empty.
  std::function<void(std::string_view)> log = {};
};

// Serves from its construction until stop() or its destruction.
//
// Answers by itself, in plain text: 404 to unknown paths; 405 with Allow to methods other than GET
// and HEAD; 503 with Retry-After to requests above the limit, and while stopping; 500 if a handler
// throws; 400 to anything that is not an HTTP request, to unknown methods, to request targets on
// another host, to a request line and headers that exceed 16 KB or take longer than
// request_timeout; 411 to a Content-Length that is not a length; 505 to versions other than 1.0 and
// 1.1. A request with a body is answered, but its connection is closed: the body is not read.
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

  // Returns the bound ports, in the order of options.listen; after stop() too. Thread-safe.
  const std::vector<std::uint16_t>& ports() const noexcept;

  // Waits for the responses under way, for request_timeout at most, then closes all connections.
  // Requests that arrive meanwhile get 503. Returns when all threads have ended: an idle connection
  // delays that by keep_alive, and by 2 s at most. Thread-safe, and may be called again. A handler
  // must not call it: it would wait for itself.
  void stop() noexcept;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace metrics::http
