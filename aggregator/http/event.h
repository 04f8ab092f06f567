// event.h -- libevent's objects with their owners. An event loop and all that belongs to it is used
// by one thread.
#pragma once

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sys/time.h>

#include <chrono>
#include <memory>
#include <stdexcept>

namespace metrics::http {

struct FreeEvent {
  void operator()(event_base* base) const noexcept { event_base_free(base); }
  void operator()(event* e) const noexcept { event_free(e); }
  void operator()(bufferevent* b) const noexcept { bufferevent_free(b); }
};

using EventBase = std::unique_ptr<event_base, FreeEvent>;
using Event = std::unique_ptr<event, FreeEvent>;  // freed, it is no longer waited for
using BufferedSocket = std::unique_ptr<bufferevent, FreeEvent>;

// Throws std::runtime_error if libevent has no memory.
inline Event make_event(event_base& base, evutil_socket_t fd, short what,
                        event_callback_fn callback, void* argument) {
  Event made(event_new(&base, fd, what, callback, argument));
  if (made == nullptr) throw std::runtime_error("cannot serve HTTP: libevent made no event");
  return made;
}

inline timeval to_timeval(std::chrono::milliseconds duration) noexcept {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  const std::chrono::microseconds rest = duration - seconds;
  return {.tv_sec = static_cast<time_t>(seconds.count()),
          .tv_usec = static_cast<suseconds_t>(rest.count())};
}

}  // namespace metrics::http
