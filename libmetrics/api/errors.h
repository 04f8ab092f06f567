// errors.h -- exceptions become statuses here, and nowhere else; the thread's last error.
#pragma once

#include <exception>
#include <new>

#include "libmetrics/format/error.h"
#include "libmetrics/update/locked.h"
#include "metrics/metrics.h"

namespace metrics::api {

// Keeps the text as the calling thread's last error, and returns the status.
metrics_status failed(metrics_status status, const char* text) noexcept;

// The calling thread's last error; "" if there was none.
const char* last_error() noexcept;

// The firewall: what the body throws becomes a status and the thread's last error.
template <class Body>
metrics_status to_status(Body body) noexcept {
  const update::Uncancelled uncancelled;
  try {
    return body();
  } catch (const format::Error& e) {
    return failed(e.status(), e.what());
  } catch (const std::bad_alloc&) {
    return failed(METRICS_NO_SPACE, "out of memory");
  } catch (const std::exception& e) {
    return failed(METRICS_SYSTEM, e.what());
  }
}

}  // namespace metrics::api
