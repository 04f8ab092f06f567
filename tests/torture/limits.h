// limits.h -- what the kernel limits for a process: parts of the case "space". Each throws if a
// promise does not hold.
#pragma once

#include "tests/torture/scenery.h"

namespace metrics::torture {

void file_size_limit(Scenery& scenery);        // RLIMIT_FSIZE
void no_descriptors(Scenery& scenery);         // RLIMIT_NOFILE
void no_addresses(Scenery& scenery);           // RLIMIT_AS
void near_the_memory_limit(Scenery& scenery);  // of a cgroup

}  // namespace metrics::torture
