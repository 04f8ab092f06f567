#include "aggregator/scrape/memory.h"

#include <malloc.h>

namespace metrics::scrape {

void set_up_memory() noexcept {
  // One thread at a time makes an exposition, but it can be any of dozens. If each thread had an
  // arena of its own, every arena would in time hold as much memory as an exposition takes.
  ::mallopt(M_ARENA_MAX, 1);
  // A copy of a directory is large, and soon let go. Without this, once one was freed, all later
  // ones would be put among what stays, where their memory is not given back.
  constexpr int kOwnMapping = 1 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kOwnMapping);
  // What one scrape frees, the next one takes again; to get it from the kernel takes as long as
  // what it is for.
  ::mallopt(M_TRIM_THRESHOLD, 2 * kOwnMapping);
}

}  // namespace metrics::scrape
