// slots.h -- who owns a slot. The kernel's word, not a pid's or a heartbeat's.
//
// First slots (1..first_slots) belong to processes. Owning one is holding an open-file-description write lock
// on the segment's inode, from `slot << 32` on. Its length is the owner's generation + 1, so that one F_OFD_GETLK
// answers "owned, and by which generation" at once, from any pid namespace; length 1 is "being claimed". The
// lock is pinned by a mapping of the locked description that no fork inherits: it lives exactly as long as the
// process's memory.
//
// Lanes (above) belong to further threads, through their process's first slot: the word in the lane's head
// names that slot and the generation. A lane is free when its word is 0 or when that owner is dead.
//
// Invariants:
//  (1) A slot has one writer at a time. Of a first slot: two processes can't hold its lock, and in a process
//      the writer's module lends it to one thread. Of a lane: one compare-and-swap gives it away.
//  (2) A living process's slots are never adopted. A doubt (an error of the kernel's) counts as living.
//  (3) A new owner's generation is stored only after the lock tells it, and values only after that; so a
//      value of generation g is of the living owner if and only if the lock says g.
//
// Nothing here allocates or throws.
#pragma once

#include <cstdint>
#include <optional>

#include "libmetrics/format/layout.h"
#include "libmetrics/update/segment.h"

namespace metrics::core {

using Generation = std::uint32_t;  // 1..kMaxGeneration, then 1 again; 0: nobody's
inline constexpr Generation kMaxGeneration = (1u << 30) - 1;

struct Owner {
  SlotIndex slot = 0;
  Generation generation = 0;
  std::uint64_t word() const noexcept { return std::uint64_t{slot} << 32 | generation; }
  static Owner of_word(std::uint64_t word) noexcept {
    return {static_cast<SlotIndex>(word >> 32), static_cast<Generation>(word)};
  }
  friend bool operator==(const Owner&, const Owner&) = default;
};

// What the kernel says of a first slot. Any descriptor of the segment will do, a read-only one too.
struct Ownership {
  enum class State { kFree, kClaiming, kOwned, kUnknown } state = State::kUnknown;
  Generation generation = 0;  // of kOwned
};
Ownership ownership(int fd, SlotIndex first_slot) noexcept;

// True only if that generation of the first slot has ended. Any doubt is false: adopting a living worker's
// slot loses counts, leaving a dead one's alone costs a slot.
bool certainly_dead(int fd, Owner owner) noexcept;

// A first slot just locked, generation decided and told by the lock, not yet in the head.
struct Claim {
  Owner owner;
  void* pin = nullptr;    // the mapping that holds the lock: unmapping it gives the slot back
  Descriptor descriptor;  // of the segment, for mapping and reserving; the lock doesn't hang on it
};
enum class ClaimResult { kClaimed, kAllOwned, kUnreachable, kUnsupported };
// Takes the lowest free first slot, so that slots in use are bounded by the most workers that ever lived at
// once. Waits for nobody. kUnreachable, with errno: the file can't be opened (again) under its name. kUnsupported:
// its file system drops a pinned lock.
ClaimResult claim_first_slot(const Segment& segment, Claim& claim) noexcept;
void give_back(const Claim& claim) noexcept;

// Announces the claim in the head: generation, then who it is. From now on the slot may be written.
void announce(const Segment& segment, Owner owner) noexcept;

// Takes the lowest free lane for a thread of that owner; 0 if none is free. `fd`: any of the segment.
SlotIndex claim_lane(const Segment& segment, int fd, Owner owner) noexcept;
// Gives a lane back to all; nothing if it is not the owner's any more.
void release_lane(const Segment& segment, SlotIndex lane, Owner owner) noexcept;

}  // namespace metrics::core
