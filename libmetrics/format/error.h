// error.h -- why set-up failed: thrown below the API, turned into a metrics_status at its edge.
//
// The statuses are those of the public header, include/metrics/metrics.h, which is the ground
// floor: every folder may include it.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "metrics/metrics.h"

namespace metrics::format {

class Error : public std::runtime_error {
 public:
  Error(metrics_status status, const std::string& what)
      : std::runtime_error(what), status_(status) {}
  metrics_status status() const noexcept { return status_; }
  // Returns true if status and text are equal.
  friend bool operator==(const Error& a, const Error& b) noexcept {
    return a.status_ == b.status_ && std::string_view(a.what()) == b.what();
  }

 private:
  metrics_status status_;
};

// Returns what an errno means, in the system's words.
std::string system_text(int error);

// Throws the Error of a system call that has failed with the errno `error`. Its text is `what` and
// the system's words; its status is the one that fits the errno.
[[noreturn]] void fail(int error, const std::string& what);

// Throws the Error of what can't be declared or given: its status is METRICS_INVALID.
[[noreturn]] void refuse(const std::string& what);

}  // namespace metrics::format
