#include "libmetrics/examples/engine/queue.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <type_traits>

namespace example {

static_assert(std::is_trivially_copyable_v<Message> && PIPE_BUF % sizeof(Message) == 0);

Queue::Queue() {
  if (::pipe2(ends_, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe");
  }
}

Queue::~Queue() {
  ::close(ends_[0]);
  ::close(ends_[1]);
}

void Queue::send(Message message) const {
  message.sent = std::chrono::system_clock::now();
  if (::write(ends_[1], &message, sizeof message) != sizeof message) {
    throw std::system_error(errno, std::generic_category(), "write to the queue");
  }
}

std::optional<Message> Queue::claim() const {
  Message message;
  if (::read(ends_[0], &message, sizeof message) != sizeof message) return std::nullopt;
  return message;
}

}  // namespace example
