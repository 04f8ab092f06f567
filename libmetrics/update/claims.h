// claims.h -- how slots are taken and given back. Who owns one is told by format/ownership.h.
//
// Invariants:  (1) A slot has one writer at a time. Of a first slot: two processes can't hold its
// lock, and in a process
//      the writer's module lends it to one thread. Of a lane: one compare-and-swap gives it away.
//  (2) A living process's slots are never adopted. A doubt (an error of the kernel's) counts as
// living.  (3) A new owner's generation is stored only after the lock tells it, and values only
// after that; so a
//      value of generation g is of the living owner if and only if the lock says g.
//
// Nothing here allocates or throws.
#pragma once

#include "libmetrics/format/file.h"
#include "libmetrics/format/ownership.h"
#include "libmetrics/update/segment.h"

namespace metrics::update {

// A first slot just locked, generation decided and told by the lock, not yet in the head.
struct Claim {
  format::Owner owner;
  void* pin = nullptr;  // the mapping that holds the lock: unmapping it gives the slot back
  format::Descriptor
      descriptor;  // of the segment, for mapping and reserving; the lock doesn't hang on it
};
enum class ClaimResult { kClaimed, kAllOwned, kUnreachable, kUnsupported };
// Takes the lowest free first slot, so that slots in use are bounded by the most workers that ever
// lived at once. Waits for nobody. kUnreachable, with errno: the file can't be opened (again) under
// its name. kUnsupported: its file system drops a pinned lock.
ClaimResult claim_first_slot(const Segment& segment, Claim& claim) noexcept;
void give_back(const Claim& claim) noexcept;

// Announces the claim in the head: generation, then who it is. From now on the slot may be written.
void announce(const Segment& segment, format::Owner owner) noexcept;

// Takes the lowest free lane for a thread of that owner; 0 if none is free. `fd`: any of the
// segment.
format::SlotIndex claim_lane(const Segment& segment, int fd, format::Owner owner) noexcept;
// Gives a lane back to all; nothing if it is not the owner's any more.
void release_lane(const Segment& segment, format::SlotIndex lane, format::Owner owner) noexcept;

}  // namespace metrics::update
