// error.h -- why set-up failed. Thrown below the API, turned into a metrics_status at its edge.
#pragma once

#include <stdexcept>
#include <string>

#include "metrics/metrics.h"

namespace metrics::core {

class Error : public std::runtime_error {
 public:
  Error(metrics_status status, const std::string& what)
      : std::runtime_error(what), status_(status) {}
  metrics_status status() const noexcept { return status_; }

 private:
  metrics_status status_;
};

}  // namespace metrics::core
