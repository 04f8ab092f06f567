// front.h -- the thread that has all clients' connections: it lets them in, and ends with them.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "aggregator/http/backend.h"
#include "aggregator/http/conversations.h"
#include "aggregator/http/counts.h"
#include "aggregator/http/doors.h"
#include "aggregator/http/event.h"
#include "aggregator/http/listen_address.h"
#include "aggregator/http/loop.h"

namespace metrics::http {

class Front {
 public:
  using Options = Conversations::Options;

  // Serves from its construction until finish(). Throws std::runtime_error if it can't start.
  // `backend` must outlive it.
  Front(Options options, std::vector<Listener> listeners, Backend& backend);
  ~Front();
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  // Waits until no request is served and each client has taken its response, but no longer than
  // until `deadline`; then closes all connections and ends the thread. Call it at most once.
  void finish(std::chrono::steady_clock::time_point deadline) noexcept;

  // Returns whether the thread has come round since the last call, and asks it to come round again.
  // Returns true at the first call. Thread-safe.
  bool alive() noexcept;

  // Sets the connections and the bytes that are buffered for them. Thread-safe.
  void count_into(Counts& counts) const { conversations_.count_into(counts); }

 private:
  static void on_retry(evutil_socket_t, short, void* front) noexcept;
  static void on_deadline(evutil_socket_t, short, void* front) noexcept;

  void run() noexcept;
  void woken() noexcept;
  void end_if_done() noexcept;
  void let_in(const Listener& listener) noexcept;
  void retry_soon() noexcept;

  Loop loop_;
  Conversations conversations_;
  Doors doors_;
  Event retry_;
  Event deadline_;
  std::chrono::steady_clock::time_point finish_by_{};  // written before `finishing_`
  std::atomic<bool> finishing_{false};
  std::atomic<bool> asked_{false};  // whether it lives, and it has not come round since
  std::thread thread_;
};

}  // namespace metrics::http
