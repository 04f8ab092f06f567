// openmetrics.h -- OpenMetrics 1.0.
// https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
//
// Its series are those of the other formats, to the letter. That has one price: OpenMetrics allows
// no `_sum`, and thus no `_count`, in a histogram with a bound below zero. Such a family is written
// as three families of type unknown, `x_bucket`, `x_count` and `x_sum`.
#pragma once

#include <string_view>

#include "aggregator/exposition/formats.h"
#include "aggregator/exposition/pieces.h"

namespace metrics::exposition {

inline constexpr std::string_view kOpenMetricsContentType =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";
// The draft before it, which older servers ask for: what is written here is the same in both.
inline constexpr std::string_view kOpenMetrics001ContentType =
    "application/openmetrics-text; version=0.0.1; charset=utf-8";

class OpenMetricsEncoder : public Pieces {
 public:
  explicit OpenMetricsEncoder(const Options& options = {});
};

}  // namespace metrics::exposition
