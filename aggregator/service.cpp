#include "aggregator/service.h"

#include <signal.h>
#include <time.h>

#include <cstddef>
#include <cstdint>
#include <exception>

#include "aggregator/log.h"

#ifdef METRICS_HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

namespace metrics::aggregator {

#ifdef METRICS_HAVE_SYSTEMD

namespace {

constexpr int kKeepEnvironment = 0;

void report(const std::string& state) noexcept { ::sd_notify(kKeepEnvironment, state.c_str()); }

}  // namespace

Service::Service() {
  std::uint64_t allowed_us = 0;
  if (::sd_watchdog_enabled(kKeepEnvironment, &allowed_us) > 0) {
    beat_ = std::chrono::microseconds(allowed_us / 3);
  }
}

void Service::ready(const std::string& status) const noexcept {
  report("READY=1\nWATCHDOG=1\nSTATUS=" + status);
}

void Service::reloading() const noexcept {
  // The manager tells this report from older ones by its time: systemd 253 and newer ask for it.
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  constexpr std::uint64_t kMicro = 1'000'000;
  const auto us = static_cast<std::uint64_t>(now.tv_sec) * kMicro +
                  static_cast<std::uint64_t>(now.tv_nsec) / 1000;
  report("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us) + "\nSTATUS=Looking for segments");
}

void Service::alive(const std::string& status) const noexcept {
  report("WATCHDOG=1\nSTATUS=" + status);
}

void Service::stopping() const noexcept {
  report("STOPPING=1\nSTATUS=Finishing the responses under way");
}

#else

Service::Service() = default;
void Service::ready(const std::string&) const noexcept {}
void Service::reloading() const noexcept {}
void Service::alive(const std::string&) const noexcept {}
void Service::stopping() const noexcept {}

#endif

int Service::signal_or_beat(const sigset_t& signals) const noexcept {
  if (!beat_) {
    int signal = 0;
    ::sigwait(&signals, &signal);
    return signal;
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*beat_);
  const std::chrono::nanoseconds rest = *beat_ - seconds;
  const timespec timeout{seconds.count(), rest.count()};
  const int signal = ::sigtimedwait(&signals, nullptr, &timeout);
  return signal < 0 ? 0 : signal;  // after EINTR, a report that comes early
}

std::string status_of(scrape::Scrape& scrape) {
  const auto segments = [](std::size_t n) {
    return std::to_string(n) + (n == 1 ? " segment" : " segments");
  };
  try {
    const scrape::Scrape::Seen seen = scrape.look();
    return "Serving " + segments(seen.segments) + " with " + std::to_string(seen.series) +
           " series" +
           (seen.unreadable == 0
                ? ""
                : "; " + segments(seen.unreadable) + " can't be read: see the log");
  } catch (const std::exception& e) {
    log_warn("can't look for segments", {{"reason", e.what()}});
    return "Can't look for segments: see the log";
  }
}

}  // namespace metrics::aggregator
