// drops.h -- counts what is dropped, so that readers can tell why, since when, and by whom.
#pragma once

#include "libmetrics/format/layout.h"
#include "libmetrics/update/segment.h"

namespace metrics::update {

// Counts one dropped update or registration: in the header and, if this process owns a slot, in
// that slot's head. The first for that reason stores when it was.
void drop(const Segment& segment, format::Drop reason) noexcept;
// Does so for the segment with that number; nothing if there is none.
void drop(std::uint32_t segment, format::Drop reason) noexcept;

}  // namespace metrics::update
