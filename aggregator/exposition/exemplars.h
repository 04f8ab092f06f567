// exemplars.h -- which exemplar stands beside which sample, and how OpenMetrics spells it.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>

#include "aggregator/exposition/number.h"
#include "libmetrics/format/exemplar.h"
#include "libmetrics/reader/families.h"

namespace metrics::exposition {

// Goes through a series' exemplars beside its buckets, in ascending order.
class ExemplarWalk {
 public:
  explicit ExemplarWalk(std::span<const reader::Exemplar> exemplars) noexcept : rest_(exemplars) {}

  // Returns the newest of those that are not above `upper`, nor among those that a call before has
  // looked at; nullptr if there is none.
  const reader::Exemplar* up_to(double upper) noexcept;
  // Returns the newest of the rest; nullptr if there is none.
  const reader::Exemplar* last() noexcept { return up_to(std::numeric_limits<double>::infinity()); }

 private:
  std::span<const reader::Exemplar> rest_;
};

// Appends ` # {trace_id="..."} 0.25 1520430000.123`, which follows a sample's value.
void append_exemplar(std::string& to, const reader::Exemplar& exemplar);
// No exemplar is longer: each byte of the labels may be escaped, and each label has `="",` around
// it.
inline constexpr std::size_t kMaxExemplarSize = 2 * format::kMaxExemplarBytes +
                                                4 * format::kExemplarTextWords * 8 / 3 +
                                                2 * kMaxNumberSize + 16;

}  // namespace metrics::exposition
