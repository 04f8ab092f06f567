// answers.h -- responses on their way from the threads that make them to the thread that sends
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "aggregator/http/message.h"

namespace metrics::http {

// A whole response, as the client must get it.
struct Answer {
  std::string head;
  std::shared_ptr<const std::string> body;  // nullptr: no byte follows the head
  AfterResponse then = AfterResponse::kClose;

  std::size_t size() const noexcept { return head.size() + (body ? body->size() : 0); }
};

// Keeps each response until somebody takes it with the ticket that stands for it. What travels
// through civetweb's socket is the ticket, so that a body is never copied. Thread-safe.
class Answers {
 public:
  using Ticket = std::uint64_t;

  Ticket put(Answer answer);

  // Returns an empty optional if there is nothing for this ticket: none was ever put, or it has
  // been taken.
  std::optional<Answer> take(Ticket ticket) noexcept;

  // Returns the bytes of all responses that nobody has taken.
  std::size_t bytes() const noexcept;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<Ticket, Answer> kept_;
  Ticket last_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace metrics::http
