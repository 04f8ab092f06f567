#include "tools/inspect/top/quantile.h"

#include <cmath>
#include <limits>

namespace metrics::inspect::top {

double quantile(double q, std::span<const double> bounds, std::span<const std::uint64_t> counts) {
  double all = 0;
  for (const std::uint64_t count : counts) all += static_cast<double>(count);
  if (all == 0 || bounds.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double rank = q * all;
  double below = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here == 0 || below + here < rank) {
      below += here;
      continue;
    }
    if (i == 0 && bounds[0] <= 0) return bounds[0];
    const double begin = i == 0 ? 0 : bounds[i - 1];
    return begin + (bounds[i] - begin) * (rank - below) / here;
  }
  return bounds.back();
}

}  // namespace metrics::inspect::top
