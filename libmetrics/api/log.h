// log.h -- logs everything that can't be counted, once, through the program's log function.
#pragma once

#include <string>

#include "metrics/metrics.h"

namespace metrics::setup {
struct Family;
}

namespace metrics::api {

// Calls the program's log function, if there is one, with the text in one line: see
// libmetrics/format/printable.h.
void log(metrics_status status, const char* text) noexcept;
inline void log(metrics_status status, const std::string& text) noexcept {
  log(status, text.c_str());
}

// Returns true if a failure is logged. METRICS_INVALID, a fault of the program, is only
// returned to the caller; every other failure is also logged.
inline bool worth_logging(metrics_status status) noexcept {
  return status != METRICS_OK && status != METRICS_INVALID;
}

// Logs the thread's last error, once for each family and status: a program may ask for families and
// series at each request.
void log_once(setup::Family& family, metrics_status status) noexcept;
void log_once(setup::Family& family, metrics_status status, const char* text) noexcept;
// Log once for each family: that a label value was cut; that a look-up was beyond the limit, but is
// counted; that the family's limit is another one than this process gives it; that it has no places
// for exemplars, though it was given one, or this process has asked for places.
void log_cut_once(setup::Family& family) noexcept;
void log_limit_once(setup::Family& family, const char* text) noexcept;
void log_other_limit_once(setup::Family& family, const std::string& text) noexcept;
void log_unplaced_once(setup::Family& family) noexcept;

}  // namespace metrics::api
