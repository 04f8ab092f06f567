// log.h -- what can't be counted is said once, to the program's log function.
#pragma once

#include <string>

#include "metrics/metrics.h"

namespace metrics::setup {
struct Family;
}

namespace metrics::api {

void log(metrics_status status, const char* text) noexcept;
inline void log(metrics_status status, const std::string& text) noexcept {
  log(status, text.c_str());
}

// What a wrong program gives is told to the caller alone; what the surroundings lack is also
// logged.
inline bool worth_logging(metrics_status status) noexcept {
  return status != METRICS_OK && status != METRICS_INVALID;
}

// Logs the thread's last error, once for each family and status: families and series may be asked
// for at each request.
void log_once(setup::Family& family, metrics_status status) noexcept;

}  // namespace metrics::api
