// exemplars.h -- stores an exemplar beside what was counted, in the calling thread's own slot.
//
// Nothing here allocates, throws or blocks. Functions may be called in a signal handler; one that
// interrupts another one in the same place costs that exemplar, and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>

#include "metrics/hot.h"

namespace metrics::update {

// The labels of an exemplar, as the C ABI takes them.
struct ExemplarOf {
  const char* const* names;
  const char* const* values;
  std::size_t count;
};

// Store an exemplar of that value, in the place of the one before. A thread without a slot of its
// own stores none: slot 0 has many writers, and one store of several words must have one. Labels
// that are none, or too long, and a family without places, are counted as drops; what was counted
// stays. `bucket` is the value's.
void keep_exemplar(const metrics_counter& counter, double amount, const ExemplarOf& of) noexcept;
void keep_exemplar(const metrics_histogram& histogram, double value, std::uint32_t bucket,
                   const ExemplarOf& of) noexcept;

}  // namespace metrics::update
