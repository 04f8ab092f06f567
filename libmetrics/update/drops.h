// drops.h -- counts what is dropped, so that readers can tell why, since when, and by whom.
#pragma once

#include <cstdint>
#include <string_view>

#include "libmetrics/format/layout.h"
#include "libmetrics/format/records.h"
#include "libmetrics/update/gauges.h"
#include "libmetrics/update/segment.h"

namespace metrics::update {

// What is dropped, as far as that is known.
struct Lost {
  format::Offset family = 0;   // of its record; 0: it has none, or it is unknown
  std::string_view name = {};  // the family's; empty: as in its record
  std::uint64_t needed = 0;    // see format::Refusal
};

// Counts one dropped update, exemplar, registration or claim: in the header and, if this process
// owns a slot, in that slot's head. Stores when the first one for that reason was, and what, who
// and when the last one; and that one of that family was. May be called in a signal handler.
void drop(const Segment& segment, format::Drop reason, const Lost& lost = {}) noexcept;
// Counts an update of that gauge, which has led to that segment; nothing if there is none.
void drop_of(const Gauge& gauge, std::uint32_t segment, format::Drop reason) noexcept;

}  // namespace metrics::update
