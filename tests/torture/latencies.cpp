#include "tests/torture/latencies.h"

#include <algorithm>
#include <bit>

namespace metrics::torture {

void Latencies::add(std::uint64_t ns) {
  const auto exponent = static_cast<unsigned>(std::bit_width(ns | 8)) - 4;
  ++classes_[std::min<std::size_t>(exponent * 8 + (ns >> exponent), kClasses - 1)];
  ++count_;
}

std::uint64_t Latencies::percentile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
  std::uint64_t below = 0;
  std::size_t at = 0;
  while (at + 1 < kClasses && (below += classes_[at]) <= wanted) ++at;
  return at < 16 ? at : (8 + at % 8) << (at / 8 - 1);
}

}  // namespace metrics::torture
