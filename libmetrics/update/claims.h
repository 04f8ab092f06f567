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
// Takes the lowest free first slot, so that the slots that are ever used are at most as many as the
// workers that ever lived at once. Never waits.
// kAllOwned: living processes own all first slots.
// kUnreachable, with errno: the file can't be opened (again) under its name, or can't be mapped.
// kUnsupported: the kernel or the file system has no such locks, or drops a pinned one.
ClaimResult claim_first_slot(const Segment& segment, Claim& claim) noexcept;
// Unlocks the slot again. Only for a claim that was not announced.
void give_back(const Claim& claim) noexcept;

// Numbers the process in the segment, if it has no number yet; forked children get one of their
// own. To be called at a process's first set-up call or update. The caller must hold the mutex.
void number_process(const Segment& segment, ProcessClaim& claim) noexcept;

// Writes the generation and then the owner's identity to the head. Afterwards the owner may write
// to the slot.
void announce(const Segment& segment, format::Owner owner) noexcept;

// Takes the lowest free lane for a thread of that owner; returns 0 if all lanes are taken. `fd` is
// any descriptor of the segment.
format::SlotIndex claim_lane(const Segment& segment, int fd, format::Owner owner) noexcept;
// Frees a lane. Does nothing if it no longer belongs to that owner.
void release_lane(const Segment& segment, format::SlotIndex lane, format::Owner owner) noexcept;

}  // namespace metrics::update
