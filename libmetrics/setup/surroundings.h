// surroundings.h -- what a process should know about the segment that it has joined: where that is,
// and who else counts in it.
#pragma once

#include <string>
#include <vector>

#include "libmetrics/update/segment.h"

namespace metrics::setup {

// Returns a sentence, with what to do, for each thing about the segment that is likely a mistake:
//  - Its file is on a disk, whose writeback stalls updates.
//  - It is the user's default segment, which nobody has chosen, and a process of another service
//    counts in it: a process of another systemd unit or, where processes have no units, of another
//    executable and another process group. Instances of a template are one service. Names of
//    processes say nothing, since pools give their children names of their own.
// Looks at no more than a few dozen slots. Call it before the process claims a slot.
std::vector<std::string> surroundings(const update::Segment& segment, bool is_default);

}  // namespace metrics::setup
