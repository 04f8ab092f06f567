#include "tests/support/gate.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace metrics::test {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Gate::Gate() {
  if (::pipe2(ends_, O_CLOEXEC) != 0) fail("pipe");
}

Gate::~Gate() {
  ::close(ends_[0]);
  ::close(ends_[1]);
}

void Gate::let_pass(std::size_t how_many) {
  const char byte = 0;
  for (std::size_t i = 0; i < how_many; ++i) {
    if (::write(ends_[1], &byte, 1) != 1) fail("write to a pipe");
  }
}

void Gate::pass() {
  if (!ready(std::chrono::seconds(30))) throw std::runtime_error("nobody has let pass");
  if (!take()) fail("read from a pipe");
}

bool Gate::try_pass(std::chrono::milliseconds at_most) { return ready(at_most) && take(); }

std::size_t Gate::passed(std::size_t most) {
  std::size_t taken = 0;
  for (; taken < most && ready(std::chrono::milliseconds(0)); ++taken) pass();
  return taken;
}

bool Gate::ready(std::chrono::milliseconds at_most) const {
  pollfd wanted{ends_[0], POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&wanted, 1, static_cast<int>(at_most.count()));
  } while (ready < 0 && errno == EINTR);
  return ready == 1;
}

bool Gate::take() const {
  char byte = 0;
  return ::read(ends_[0], &byte, 1) == 1;
}

}  // namespace metrics::test
