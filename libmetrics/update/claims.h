// claims.h -- how slots are taken and given back. format/ownership.h finds out who owns one.
//
// Invariants:
//  (1) A slot has one writer at a time. First slots: two processes can't hold the same lock, and
//      within a process update/threads.cpp lends the slot to one thread. Lanes: one
//      compare-and-swap gives the lane to one thread.
//  (2) A living process's slots are never adopted. Doubt (an error from the kernel) counts as
//      living.
//  (3) A new owner's generation is stored only after the lock reports it, and values only after
//      that. So a value of generation g belongs to the living owner if and only if the lock reports
//      g.
//
// Nothing here allocates or throws.
#pragma once

#include "libmetrics/format/file.h"
#include "libmetrics/format/ownership.h"
#include "libmetrics/update/locked.h"
#include "libmetrics/update/process.h"
#include "libmetrics/update/segment.h"

namespace metrics::update {

// A first slot that was just locked. The lock reports its new generation; the head does not have it
// yet.
struct Claim {
  format::Owner owner;
  void* pin = nullptr;  // the mapping that holds the lock: unmapping it gives the slot back
  format::Descriptor
      descriptor;  // of the segment, for mapping and reserving; the lock does not depend on it
};
enum class ClaimResult { kClaimed, kAllOwned, kUnreachable, kUnsupported };
// Takes a free first slot, one that was used before if it finds one, so that the slots that are
// ever used are about as many as the workers that ever lived at once. Never waits.
//
// The kernel walks all locks of the file to answer for one slot. So a claim asks for a few: the
// lowest, which are all that most segments use, and as many from header.first_slot_hand on, where
// the last claim stopped. Only then it takes one that no process has had; and only if there is none
// of these left it asks for all. With up to kAsked slots in use, no slot is used while a lower one
// is free; with many more, a dead one's slot waits until the hand has come to it.
// kAllOwned: living processes own all first slots.
// kUnreachable, with errno: the file can't be opened (again) under its name, or can't be mapped.
// kUnsupported: the kernel or the file system has no such locks, or drops a pinned one.
ClaimResult claim_first_slot(const Segment& segment, Claim& claim) noexcept;
inline constexpr format::SlotIndex kAsked = 16;
// Unlocks the slot again. Only for a claim that was not announced.
void give_back(const Claim& claim) noexcept;

// Takes the shared lock, see ownership.h, until the process ends. Only for one without a slot.
// Where that can't be done, sets Header::unowned, so that nothing of the segment is used again.
void share(const Segment& segment) noexcept;
// Does the same for a scope: for an update that can't wait for the process to claim a slot.
class Sharing {
 public:
  explicit Sharing(const Segment& segment) noexcept;
  ~Sharing();
  Sharing(const Sharing&) = delete;
  Sharing& operator=(const Sharing&) = delete;

 private:
  const Segment& segment_;
  const Quiet quiet_;                     // opening a file is a cancellation point
  const format::Descriptor description_;  // of its own: an unlock would end others' locks
};

// Numbers the process in the segment, if it has no number yet; forked children get one of their
// own. To be called at a process's first set-up call or update. In a child that was cloned while
// another thread of its parent claimed a slot, it also closes the descriptor that holds the
// parent's lock. The caller must hold the mutex.
void number_process(const Segment& segment, ProcessClaim& claim) noexcept;

// Writes the generation and then the owner's identity to the head. Afterwards the owner may write
// to the slot, once it has looked at its handles, of which the youngest series has that `born`.
void announce(const Segment& segment, format::Owner owner, std::uint64_t youngest_born) noexcept;

// Tells in the head that the owner has looked, after announce() and before its first update:
// handles that it had before lead to no series that was removed until then.
void looked(const Segment& segment, format::Owner owner, std::uint64_t date) noexcept;

// Takes a free lane for a thread of that owner; returns 0 if all lanes are taken. `fd` is any
// descriptor of the segment. Looks for it as above; lanes that were given back cost no question.
format::SlotIndex claim_lane(const Segment& segment, int fd, format::Owner owner) noexcept;
// Frees a lane. Does nothing if it no longer belongs to that owner.
void release_lane(const Segment& segment, format::SlotIndex lane, format::Owner owner) noexcept;

}  // namespace metrics::update
