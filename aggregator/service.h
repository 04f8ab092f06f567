// service.h -- reports the daemon's state to the service manager that started it, as sd_notify(3)
// describes.
#pragma once

#include <signal.h>

#include <chrono>
#include <optional>
#include <string>

#include "aggregator/scrape/scrape.h"

namespace metrics::aggregator {

// Does nothing if no service manager asks for reports, by $NOTIFY_SOCKET, and in a build without
// libsystemd. `status` is the line that `systemctl status` shows. A report that can't be sent is
// lost: serving goes on without it.
class Service {
 public:
  // Reads the environment.
  Service();

  // Reports that the daemon serves: after its start, and after reloading().
  void ready(const std::string& status) const noexcept;
  // Reports that it looks for what has changed. ready() must follow.
  void reloading() const noexcept;
  // Reports that it still works. The manager ends a daemon whose watchdog it watches, and that does
  // not report this often enough.
  void alive(const std::string& status) const noexcept;
  // Reports that it is about to end.
  void stopping() const noexcept;

  // Waits for one of these signals, which must be blocked, and returns it; or 0 when it is time to
  // call alive(). That is after a third of what the manager's watchdog allows, so that one late
  // report ends nothing, and never if there is no watchdog.
  int signal_or_beat(const sigset_t& signals) const noexcept;

 private:
  std::optional<std::chrono::microseconds> beat_;
};

// Looks for segments, and returns what it finds as a line for people. Logs why it can't look.
std::string status_of(scrape::Scrape& scrape);

}  // namespace metrics::aggregator
