// http_server.h -- a small HTTP/1.1 server: fixed paths, GET and HEAD, no files.
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
  int max_requests = 40;                 // served at a time; those above get 503
  // One thread serves one connection, idle ones included. Beyond the max_requests threads these
  // answer 503, serve exempt routes, and hold idle connections.
  int spare_threads = 16;
  // How long a client may take to send a request, and to accept anything more of its response; the
  // latter is rounded up to 2 s.
  std::chrono::milliseconds request_timeout{10'000};
  // How long a connection may be idle between requests. While more than half of the threads have a
  // connection, new responses close theirs.
  std::chrono::milliseconds keep_alive{1'000};
  // Gets why a handler failed and what civetweb reports, from any thread, several at once. What it
  // throws is ignored. May be empty.
  std::function<void(std::string_view)> log = {};
};

// Serves from its construction to stop() or its destruction.
//
// Answers by itself, in plain text: 404 for unknown paths; 405 with Allow for methods other than
// GET and HEAD; 503 with Retry-After above the limit, and while stopping; 500 for a throwing
// handler; 400 for what is no HTTP request, for unknown methods, for request targets on another
// host, for a request line and headers that exceed 16 KB or take longer than request_timeout; 411
// for a Content-Length that is none; 505 for other versions than 1.0 and 1.1. A request with a body
// is answered, but its connection is closed: the body isn't read.
//
// Its threads have the signal mask of the constructing thread, and set SIGPIPE to be ignored in the
// whole process.
class HttpServer {
 public:
  // Listens and serves once this returns. Throws std::invalid_argument for a bad option or address,
  // std::runtime_error if it can't listen: one line that names the address as given and says why.
  HttpServer(HttpOptions options, Routes routes);

  // As stop().
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // The ports bound, in the order of options.listen; valid after stop() too. Thread-safe.
  const std::vector<std::uint16_t>& ports() const noexcept;

  // Lets the responses under way be finished, for request_timeout at most, then closes all
  // connections. Requests that arrive meanwhile get 503. Returns when all threads have ended: an
  // idle connection delays that by keep_alive, and by 2 s at most. Thread-safe, may be called
  // again; never from a handler, which would wait for itself.
  void stop() noexcept;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace metrics::http
