// backend.h -- civetweb: parses requests, has its threads call the handlers, and makes the
// responses.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "aggregator/http/answers.h"
#include "aggregator/http/descriptor.h"
#include "aggregator/http/routes.h"
#include "aggregator/web/rules_file.h"

namespace metrics::http {

// Serves whole request heads that come over connect()ed sockets, one at a time on each. To each it
// writes the Ticket of a response, and never a byte of the response itself. It closes a connection
// behind a response that closes the client's.
class Backend {
 public:
  struct Options {
    int max_requests;
    int threads;  // one connection each
    std::function<void(std::string_view)> log;
    web::RulesFile* rules;  // which must outlive it
  };

  // Throws std::runtime_error, with one line, if it can't start.
  Backend(Options options, Routes routes);
  ~Backend();
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  // As PrivateSocket::connect(). Thread-safe.
  Descriptor connect() const noexcept;
  Answers& answers() noexcept;

  // Returns how many requests are being worked on. Thread-safe.
  int requests() const;

  // From now on, answers 503 to requests.
  void refuse() noexcept;

  // Ends all threads, when their requests have an answer. Every connection must be closed before.
  void stop() noexcept;

 private:
  class Civetweb;
  const std::unique_ptr<Civetweb> civetweb_;
};

}  // namespace metrics::http
