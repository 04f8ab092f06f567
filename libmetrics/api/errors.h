// errors.h -- turns exceptions into statuses, here and nowhere else; each thread's last error.
#pragma once

#include <exception>
#include <new>

#include "libmetrics/format/error.h"
#include "libmetrics/update/locked.h"
#include "metrics/metrics.h"

namespace metrics::api {

// Keeps the text as the calling thread's last error, if there is memory for it. Returns the status.
metrics_status failed(metrics_status status, const char* text) noexcept;
inline metrics_status failed(const format::Error& why) noexcept {
  return failed(why.status(), why.what());
}

// Returns the calling thread's last error; "" if no call of it has failed.
const char* last_error() noexcept;

// The firewall: returns the body's status. An exception of the body becomes a status, and its text
// the thread's last error.
template <class Body>
metrics_status to_status(Body body) noexcept {
  const update::Uncancelled uncancelled;
  try {
    return body();
  } catch (const format::Error& e) {
    return failed(e);
  } catch (const std::bad_alloc&) {
    return failed(METRICS_NO_SPACE, "out of memory");
  } catch (const std::exception& e) {
    return failed(METRICS_SYSTEM, e.what());
  }
}

}  // namespace metrics::api
