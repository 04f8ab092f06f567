// loop.h -- an event loop that other threads can wake.
#pragma once

#include <functional>

#include "aggregator/http/descriptor.h"
#include "aggregator/http/event.h"

namespace metrics::http {

// For one thread, except for wake().
class Loop {
 public:
  // `on_wake` is called after wake(), in the loop's thread. Throws std::runtime_error if libevent
  // can't start.
  explicit Loop(std::function<void()> on_wake);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  event_base& base() const noexcept { return *base_; }

  // Has on_wake called soon; once for all calls until then. Thread-safe.
  void wake() noexcept;

  // Handles events until end().
  void run() noexcept;
  void end() noexcept { event_base_loopbreak(base_.get()); }

  // Handles the events that are due.
  void run_once() noexcept { event_base_loop(base_.get(), EVLOOP_NONBLOCK); }

 private:
  static void on_woken(evutil_socket_t, short, void* loop) noexcept;

  const std::function<void()> on_wake_;
  const EventBase base_;
  const Descriptor counter_;
  const Event woken_;
};

}  // namespace metrics::http
