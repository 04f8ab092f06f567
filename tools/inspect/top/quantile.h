// quantile.h -- quantiles of what a histogram has observed, from its counts.
#pragma once

#include <cstdint>
#include <span>

namespace metrics::inspect::top {

// Returns the q-quantile, as PromQL's histogram_quantile() does for classic buckets: linear within
// a bucket, from 0 on in the first one if its bound is above 0, and the highest bound for what lies
// above that. NaN if nothing was counted. `counts` are not cumulative, one more than bounds.
double quantile(double q, std::span<const double> bounds, std::span<const std::uint64_t> counts);

}  // namespace metrics::inspect::top
