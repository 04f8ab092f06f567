#include "aggregator/http/loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>

namespace metrics::http {
namespace {

EventBase make_base() {
  const std::unique_ptr<event_config, decltype(&event_config_free)> config(event_config_new(),
                                                                           event_config_free);
  if (config != nullptr) {
    event_config_set_flag(config.get(), EVENT_BASE_FLAG_NOLOCK);  // one thread uses it
    EventBase base(event_base_new_with_config(config.get()));
    if (base != nullptr) return base;
  }
  throw std::runtime_error("cannot serve HTTP: libevent can't start");
}

}  // namespace

Loop::Loop(std::function<void()> on_wake)
    : on_wake_(std::move(on_wake)),
      base_(make_base()),
      counter_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      woken_(make_event(*base_, counter_.get(), EV_READ | EV_PERSIST, on_woken, this)) {
  event_add(woken_.get(), nullptr);
}

void Loop::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(counter_.get(), &one, sizeof(one));  // not full
}

void Loop::on_woken(evutil_socket_t, short, void* argument) noexcept {
  const auto& self = *static_cast<Loop*>(argument);
  std::uint64_t times = 0;
  // So that it ends to wake.
  [[maybe_unused]] const ssize_t got = ::read(self.counter_.get(), &times, sizeof(times));
  self.on_wake_();
}

void Loop::run() noexcept {
  event_base_dispatch(base_.get());
  event_del(woken_.get());
}

}  // namespace metrics::http
