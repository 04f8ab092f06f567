#include "libmetrics/update/claims.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libmetrics/format/clock.h"

namespace metrics::update {
namespace {

bool try_lock(int fd, format::SlotIndex slot, std::int64_t length) noexcept {
  struct flock lock = format::lock_range(slot, length, F_WRLCK);
  return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

void raise_to(format::Cell& highest, std::uint64_t value) noexcept {
  std::uint64_t seen = highest.load(std::memory_order_relaxed);
  // Release: a reader that sees the slot in use also sees its head. The reader's side is the copy
  // that the kernel makes for it.
  while (seen < value && !highest.compare_exchange_weak(seen, value, std::memory_order_release,
                                                        std::memory_order_relaxed)) {
  }
}

void store_identity(format::Head& head) noexcept {
  // The command is the process's, which is the name of its first thread.
  std::array<std::uint64_t, 2> command{};
  if (::gettid() == ::getpid()) {
    ::prctl(PR_GET_NAME, command.data());  // quicker than opening a file
  } else if (const format::Descriptor comm(::open("/proc/self/comm", O_RDONLY | O_CLOEXEC)); comm) {
    [[maybe_unused]] const ssize_t got = ::read(comm.get(), command.data(), sizeof command);
  }
  auto* text = reinterpret_cast<char*>(command.data());
  std::replace(text, text + sizeof command, '\n', '\0');
  head.pid_namespace.store(format::own_pid_namespace(), std::memory_order_relaxed);
  head.claimed_ns.store(format::now_ns(), std::memory_order_relaxed);
  for (std::size_t i = 0; i < command.size(); ++i) {
    head.command[i].store(command[i], std::memory_order_relaxed);
  }
  head.pid.store(static_cast<std::uint64_t>(::getpid()), std::memory_order_relaxed);
}

// Maps a page through the descriptor: the mapping keeps the open file description, and so its
// locks, until this process's memory is gone. Returns nullptr with errno on failure.
void* pin(int fd) noexcept {
  void* page = ::mmap(nullptr, format::page_bytes(), PROT_NONE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) return nullptr;
  if (::madvise(page, format::page_bytes(), MADV_DONTFORK) != 0) {
    ::munmap(page, format::page_bytes());
    return nullptr;
  }
  return page;
}

// Locks the lowest free first slot through fd, with a lock whose length is the new generation's.
// Returns slot 0 with errno if no slot could be locked: EAGAIN or EACCES if all are owned, another
// error if the kernel or the file system has no such locks.
format::Owner lock_lowest(const Segment& segment, int fd) noexcept {
  for (format::SlotIndex slot = 1; slot <= segment.geometry().first_slots; ++slot) {
    if (!try_lock(fd, slot, format::kClaimingLength)) {
      if (errno == EAGAIN || errno == EACCES) continue;  // owned
      break;
    }
    const std::uint64_t before =
        segment.head(slot).generation.load(std::memory_order_relaxed);  // the lock makes it ours
    const format::Generation generation =
        before >= format::kMaxGeneration ? 1 : static_cast<format::Generation>(before) + 1;
    // A process that probes the lock sees it grow in one step.
    if (try_lock(fd, slot, format::length_of(generation))) return {slot, generation};
    const int error = errno;  // a read lock is in the way, not taken by this library
    struct flock unlock = format::lock_range(slot, format::kClaimingLength, F_UNLCK);
    ::fcntl(fd, F_OFD_SETLK, &unlock);
    errno = error;
  }
  return {};
}

}  // namespace

ClaimResult claim_first_slot(const Segment& segment, Claim& claim) noexcept {
  claim = Claim();
  format::Descriptor own = segment.reopen();  // an open file description of this process alone
  if (!own) return ClaimResult::kUnreachable;
  claim.pin = pin(own.get());
  if (claim.pin == nullptr) return ClaimResult::kUnreachable;
  claim.owner = lock_lowest(segment, own.get());
  if (claim.owner.slot == 0) {
    const bool all_owned = errno == EAGAIN || errno == EACCES;
    give_back(claim);
    return all_owned ? ClaimResult::kAllOwned : ClaimResult::kUnsupported;
  }
  own = format::Descriptor();  // a child forked from here on inherits nothing that keeps the lock
  claim.descriptor = segment.reopen();
  const format::Ownership reported = format::ownership(claim.descriptor.get(), claim.owner.slot);
  if (reported.state != format::Ownership::State::kOwned ||
      reported.generation != claim.owner.generation) {
    give_back(claim);
    return claim.descriptor ? ClaimResult::kUnsupported : ClaimResult::kUnreachable;
  }
  return ClaimResult::kClaimed;
}

void give_back(const Claim& claim) noexcept { ::munmap(claim.pin, format::page_bytes()); }

void number_process(const Segment& segment, ProcessClaim& claim) noexcept {
  if (claim.start != 0) return;
  claim.start = segment.header().starts.fetch_add(1, std::memory_order_relaxed) + 1;
}

void announce(const Segment& segment, format::Owner owner) noexcept {
  format::Head& head = segment.head(owner.slot);
  // Release: a reader that finds this generation in a lane or a gauge finds it after the lock has
  // reported it.
  head.generation.store(owner.generation, std::memory_order_release);
  store_identity(head);
  raise_to(segment.header().first_slots_used, owner.slot);
}

format::SlotIndex claim_lane(const Segment& segment, int fd, format::Owner owner) noexcept {
  const format::Geometry& g = segment.geometry();
  format::Owner known_alive = owner;  // neighbours often share an owner: ask the kernel once
  for (format::SlotIndex lane = g.first_slots + 1; lane < g.slot_count(); ++lane) {
    format::Head& head = segment.head(lane);
    std::uint64_t word = head.owner.load(std::memory_order_relaxed);
    if (word != 0) {
      const format::Owner there = format::Owner::of_word(word);
      if (there == known_alive || there == owner) continue;
      const bool possible = there.slot >= 1 && there.slot <= g.first_slots;
      if (possible && !format::certainly_dead(fd, there)) {
        known_alive = there;
        continue;
      }
    }
    // Acquire: pairs with release_lane's release, so that this thread adds to what the last one has
    // stored. A dead process's stores are in the file before the kernel drops its lock.
    if (!head.owner.compare_exchange_strong(word, owner.word(), std::memory_order_acquire,
                                            std::memory_order_relaxed)) {
      continue;
    }
    head.generation.fetch_add(1, std::memory_order_relaxed);
    store_identity(head);
    raise_to(segment.header().lanes_used, lane - g.first_slots);
    return lane;
  }
  return 0;
}

void release_lane(const Segment& segment, format::SlotIndex lane, format::Owner owner) noexcept {
  std::uint64_t word = owner.word();
  segment.head(lane).owner.compare_exchange_strong(word, 0, std::memory_order_release,
                                                   std::memory_order_relaxed);
}

}  // namespace metrics::update
