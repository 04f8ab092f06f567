#include "aggregator/http/answers.h"

#include <utility>

namespace metrics::http {

Answers::Ticket Answers::put(Answer answer) {
  const std::size_t size = answer.size();
  const std::lock_guard lock(mutex_);
  kept_.emplace(++last_, std::move(answer));
  bytes_ += size;
  return last_;
}

std::optional<Answer> Answers::take(Ticket ticket) noexcept {
  const std::lock_guard lock(mutex_);
  auto taken = kept_.extract(ticket);
  if (taken.empty()) return std::nullopt;
  bytes_ -= taken.mapped().size();
  return std::move(taken.mapped());
}

std::size_t Answers::bytes() const noexcept {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace metrics::http
