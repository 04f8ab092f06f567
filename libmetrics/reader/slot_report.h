// slot_report.h -- which process owns which slot, as far as the kernel and the heads report it.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "libmetrics/reader/reader.h"

namespace metrics::reader {

struct SlotReport {
  // A dead slot's counts stay in every sum; the next worker may adopt it. A free lane was given
  // back by its thread.
  enum class State { kLive, kDead, kFree } state;
  bool is_lane;
  HeadCopy head;
  std::size_t threads = 0;  // of a process: those that have a slot, its first one included
};

std::string_view to_string(SlotReport::State state) noexcept;
// Returns true if what was counted in the slot is its owner's alone: no other one had it before.
bool is_first_owner(const SlotReport& slot) noexcept;

// Returns a report on every slot that was ever used, except for slot 0. Makes a system call for
// each first slot. Empty if the segment was
// truncated meanwhile or can't be read.
std::vector<SlotReport> slot_report(Reader& reader);

// Returns how many slots a report would show as live. Needs no more than Reader::look_at_header().
std::uint64_t count_live_slots(Reader& reader);

}  // namespace metrics::reader
