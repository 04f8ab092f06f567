#include "aggregator/http/doors.h"

#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

namespace metrics::http {
namespace {

// How many connections are accepted before the others have their turn: some milliseconds' worth.
// While thousands keep the thread busy, the kernel's queue must not fill up, where a scrape would
// have to knock again after a second.
constexpr int kAtOnce = 512;

}  // namespace

Doors::Doors(event_base& base, std::vector<Listener> listeners, OnKnock on_knock)
    : on_knock_(std::move(on_knock)) {
  doors_.reserve(listeners.size());  // their addresses stay
  for (Listener& listener : listeners) {
    Door& door = doors_.emplace_back(Door{this, std::move(listener), nullptr});
    door.readable =
        make_event(base, door.listener.socket.get(), EV_READ | EV_PERSIST, on_readable, &door);
  }
  resume();
}

void Doors::on_readable(evutil_socket_t, short, void* argument) noexcept {
  const Door& door = *static_cast<Door*>(argument);
  door.doors->on_knock_(door.listener);
}

void Doors::pause() noexcept {
  for (const Door& door : doors_) event_del(door.readable.get());
}

void Doors::resume() noexcept {
  for (const Door& door : doors_) event_add(door.readable.get(), nullptr);
}

bool accept_from(const Listener& listener, const std::function<void(Descriptor)>& welcome) {
  for (int i = 0; i < kAtOnce; ++i) {
    Descriptor connection(
        ::accept4(listener.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (connection) {
      welcome(std::move(connection));
      continue;
    }
    if (errno == EAGAIN) return true;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return false;
  }
  return true;
}

}  // namespace metrics::http
