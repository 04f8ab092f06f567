// doors.h -- where clients come in: the sockets that listen.
#pragma once

#include <functional>
#include <vector>

#include "aggregator/http/descriptor.h"
#include "aggregator/http/event.h"
#include "aggregator/http/listen_address.h"

namespace metrics::http {

// For the thread of its event loop.
class Doors {
 public:
  // Called when somebody has connected to a listener, until all connections are accepted.
  using OnKnock = std::function<void(const Listener&)>;

  // Throws std::runtime_error if libevent can't wait for connections.
  Doors(event_base& base, std::vector<Listener> listeners, OnKnock on_knock);
  Doors(const Doors&) = delete;
  Doors& operator=(const Doors&) = delete;

  // Lets nobody in until resume().
  void pause() noexcept;
  void resume() noexcept;

  // Stops listening.
  void close() noexcept { doors_.clear(); }

 private:
  struct Door {
    Doors* doors;
    Listener listener;
    Event readable;
  };
  static void on_readable(evutil_socket_t, short, void* door) noexcept;

  const OnKnock on_knock_;
  std::vector<Door> doors_;
};

// Calls `welcome` with connections that wait at a listener, with so many that other clients have
// their turn soon. Returns false if the process has no descriptor or memory for one more.
bool accept_from(const Listener& listener, const std::function<void(Descriptor)>& welcome);

}  // namespace metrics::http
