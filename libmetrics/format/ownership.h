// ownership.h -- which process owns a slot: the kernel's locks report it, not pids or heartbeats.
//
// First slots (1..first_slots) belong to processes. A process owns one as long as it holds an
// open-file-description write lock on the segment's inode, from `slot << 32` on. The lock's length
// is the owner's generation + 1, so that one F_OFD_GETLK answers "owned, and by which generation"
// at once, from any pid namespace; length 1 means "being claimed". The lock is pinned by a mapping
// of the locked description that no fork inherits: it lives exactly as long as the process's
// memory.
//
// Lanes (above) belong to further threads, through their process's first slot: the word in the
// lane's head names that slot and the generation. A lane is free when its word is 0 or when that
// owner is dead.
//
// Processes that count in slot 0 hold a read lock on the byte behind the last first slot's range,
// the shared lock: those without a slot as long as they live, pinned likewise, and others for the
// time of one update that can't wait for the process's own slot. While there is one, the cells of
// removed series are not used again.
//
// update/claims.h describes how slots are taken. Nothing here allocates or throws.
#pragma once

#include <fcntl.h>

#include <cstdint>

#include "libmetrics/format/geometry.h"

namespace metrics::format {

using Generation = std::uint32_t;  // 1..kMaxGeneration, then 1 again; 0: no owner's
inline constexpr Generation kMaxGeneration = (1u << 30) - 1;

struct Owner {
  SlotIndex slot = 0;
  Generation generation = 0;
  std::uint64_t word() const noexcept { return std::uint64_t{slot} << 32 | generation; }
  // The same in 61 bits, for a record's state.
  std::uint64_t taker_bits() const noexcept { return std::uint64_t{slot} << 30 | generation; }
  static Owner of_taker_bits(std::uint64_t bits) noexcept {
    return {static_cast<SlotIndex>(bits >> 30), static_cast<Generation>(bits & kMaxGeneration)};
  }
  static Owner of_word(std::uint64_t word) noexcept {
    return {static_cast<SlotIndex>(word >> 32), static_cast<Generation>(word)};
  }
  friend bool operator==(const Owner&, const Owner&) = default;
};

// What the kernel reports about a first slot. kUnknown: the kernel returned an error, or a lock
// that this library does not take.
struct Ownership {
  enum class State { kFree, kClaiming, kOwned, kUnknown } state = State::kUnknown;
  Generation generation = 0;  // if kOwned
};
// Asks the kernel. Any descriptor of the segment will do, a read-only one too.
Ownership ownership(int fd, SlotIndex first_slot) noexcept;

// Returns true if none of `count` first slots has an owner, or is being claimed. One question costs
// the kernel a walk over all locks on the file, whatever it is about.
bool none_is_owned(int fd, SlotIndex first_slot, SlotIndex count) noexcept;

// Returns true only if that generation of the first slot has ended. Any doubt is false: adopting a
// living worker's slot loses counts, leaving a dead one's alone costs a slot.
bool certainly_dead(int fd, Owner owner) noexcept;

// Returns true if no process holds the shared lock. Any doubt is false.
bool nobody_shares(int fd, const Geometry& geometry) noexcept;
// Returns that lock; `type` is F_RDLCK or F_WRLCK.
struct flock shared_range(const Geometry& geometry, short type) noexcept;

// Returns the lock on the first `length` bytes of a first slot's range; `type` is F_WRLCK, F_RDLCK
// or F_UNLCK.
struct flock lock_range(SlotIndex first_slot, std::int64_t length, short type) noexcept;
// The length of the lock on a slot that is being claimed.
inline constexpr std::int64_t kClaimingLength = 1;
// Returns the length of the lock on a slot that is owned by that generation.
constexpr std::int64_t length_of(Generation generation) noexcept {
  return std::int64_t{generation} + 1;
}

// Returns the inode of this process's pid namespace, as heads store it; 0 if it is unknown.
std::uint64_t own_pid_namespace() noexcept;

}  // namespace metrics::format
