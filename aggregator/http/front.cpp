#include "aggregator/http/front.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace metrics::http {
namespace {

// How long nobody is let in, and no request is passed on, where the process has no descriptor left.
constexpr std::chrono::milliseconds kPause{10};

}  // namespace

Front::Front(Options options, std::vector<Listener> listeners, Backend& backend)
    : loop_([this] { woken(); }),
      conversations_(
          loop_.base(), options, backend, [this] { retry_soon(); }, [this] { end_if_done(); }),
      doors_(loop_.base(), std::move(listeners),
             [this](const Listener& listener) { let_in(listener); }),
      retry_(make_event(loop_.base(), -1, 0, on_retry, this)),
      deadline_(make_event(loop_.base(), -1, 0, on_deadline, this)),
      thread_([this] { run(); }) {}

Front::~Front() {
  if (thread_.joinable()) finish(std::chrono::steady_clock::now());
}

void Front::run() noexcept {
  ::pthread_setname_np(::pthread_self(), "http-front");
  loop_.run();
  for (const Event* const e : {&deadline_, &retry_}) event_del(e->get());
  doors_.close();
  conversations_.close_all();
  loop_.run_once();  // only now are the descriptors closed
}

void Front::finish(std::chrono::steady_clock::time_point deadline) noexcept {
  finish_by_ = deadline;
  finishing_.store(true, std::memory_order_release);
  loop_.wake();
  thread_.join();
}

bool Front::alive() noexcept {
  const bool unanswered = asked_.exchange(true, std::memory_order_relaxed);
  loop_.wake();
  return !unanswered;
}

void Front::woken() noexcept {
  asked_.store(false, std::memory_order_relaxed);
  if (!finishing_.load(std::memory_order_acquire)) return;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      finish_by_ - std::chrono::steady_clock::now());
  const timeval at_most = to_timeval(std::max(left, std::chrono::milliseconds(0)));
  if (event_add(deadline_.get(), &at_most) != 0) loop_.end();
  end_if_done();
}

void Front::on_deadline(evutil_socket_t, short, void* argument) noexcept {
  static_cast<Front*>(argument)->loop_.end();
}

// Called when a step of a conversation is done, too.
void Front::end_if_done() noexcept {
  if (finishing_.load(std::memory_order_acquire) && !conversations_.any_under_way()) loop_.end();
}

void Front::let_in(const Listener& listener) noexcept {
  const bool all = accept_from(listener, [&](Descriptor connection) noexcept {
    conversations_.begin(std::move(connection), listener);
  });
  if (!all) {
    conversations_.spare_one();
    doors_.pause();
    retry_soon();
  }
  conversations_.settle();
}

// A descriptor that was closed is free only when the event loop comes to it.
void Front::retry_soon() noexcept {
  const timeval pause = to_timeval(kPause);
  if (event_add(retry_.get(), &pause) != 0) loop_.end();
}

void Front::on_retry(evutil_socket_t, short, void* argument) noexcept {
  auto& self = *static_cast<Front*>(argument);
  self.doors_.resume();
  self.conversations_.serve_waiting();
  self.conversations_.settle();
}

}  // namespace metrics::http
