// slot_report.h -- who owns which slot, as far as the kernel and the heads tell.
#pragma once

#include <string_view>
#include <vector>

#include "libmetrics/reader/reader.h"

namespace metrics::reader {

struct SlotReport {
  // A dead slot's counts stay in every sum; it waits to be adopted. A free lane was given back in
  // an orderly way.
  enum class State { kLive, kDead, kFree } state;
  bool is_lane;
  HeadCopy head;
};

std::string_view to_string(SlotReport::State state) noexcept;

// Every slot that was ever used, but for slot 0. Asks the kernel once for each first slot, which
// takes a millisecond with a thousand workers. Empty if the segment was truncated meanwhile.
std::vector<SlotReport> slot_report(Reader& reader);

}  // namespace metrics::reader
