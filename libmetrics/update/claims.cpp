#include "libmetrics/update/claims.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
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
  // Release, at least: a reader that sees the slot in use also sees its head. The reader's side is
  // the copy that the kernel makes for it. For who takes a removed series' record: see announce().
  while (seen < value && !highest.compare_exchange_weak(seen, value, std::memory_order_seq_cst,
                                                        std::memory_order_relaxed)) {
  }
}

void store_identity(format::Head& head) noexcept {
  // The command is the process's, which is the name of its first thread.
  std::array<std::uint64_t, 2> command{};
  if (::gettid() == ::getpid()) {
    ::prctl(PR_GET_NAME, command.data());  // quicker than opening a file
  } else if (const auto comm = format::open_file("/proc/self/comm", format::OpenFor::kReading);
             comm) {
    [[maybe_unused]] const ssize_t got = ::read(comm.get(), command.data(), sizeof command);
  }
  auto* text = reinterpret_cast<char*>(command.data());
  std::replace(text, text + sizeof command, '\n', '\0');
  head.pid_namespace.store(format::own_pid_namespace(), std::memory_order_relaxed);
  head.claimed_ns.store(format::now_ns(), std::memory_order_relaxed);
  for (std::size_t i = 0; i < command.size(); ++i) {
    head.command[i].store(command[i], std::memory_order_relaxed);
  }
  head.pid.store(static_cast<std::uint64_t>(own_pid()), std::memory_order_relaxed);
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

// Takes the shared lock through a descriptor whose description has no other lock.
bool lock_shared(const Segment& segment, int fd) noexcept {
  struct flock lock = format::shared_range(segment.geometry(), F_RDLCK);
  return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

// Sequentially consistent: before any store to slot 0, as the lock would be.
void give_up_reuse(const Segment& segment) noexcept {
  segment.header().unowned.store(1, std::memory_order_seq_cst);
}

// What a claim that another thread has under way would leave to a child: the descriptor that holds
// its lock, and of which segment. Stored as soon as it is open, forgotten after it is closed. In
// ordinary memory, so that the child finds it.
std::atomic<int> claiming_fd{-1};
std::atomic<const Segment*> claimed_in{nullptr};

// Closes the descriptor that was inherited with another process's claim, if it is still that one:
// the child may have closed it, and opened another file under its number.
void close_inherited() noexcept {
  const int fd = claiming_fd.exchange(-1, std::memory_order_relaxed);
  const Segment* segment = claimed_in.load(std::memory_order_relaxed);
  if (fd >= 0 && segment->is_open_as(fd)) ::close(fd);
}

// Locks the first slot through fd, with a lock whose length is the new generation's. Returns slot 0
// with errno if it could not be locked: EAGAIN or EACCES if it is owned, another error if the
// kernel or the file system has no such locks.
format::Owner lock_slot(const Segment& segment, int fd, format::SlotIndex slot) noexcept {
  if (!try_lock(fd, slot, format::kClaimingLength)) return {};
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
  return {};
}

// Calls take(i) for the numbers from 1 to `capacity` until it returns true, in the order in which a
// claim looks for a free slot or lane: see claims.h. `used` of them were ever taken.
template <class Take>
bool search(std::uint64_t used, std::uint64_t capacity, format::Cell& hand, Take take) noexcept {
  const std::uint64_t lowest = std::min<std::uint64_t>(used, kAsked);
  for (std::uint64_t i = 1; i <= lowest; ++i) {
    if (take(i)) return true;
  }
  const std::uint64_t others = used - lowest;
  const std::uint64_t first = others == 0 ? 0 : hand.load(std::memory_order_relaxed) % others;
  for (std::uint64_t k = 0; k < others && k < kAsked; ++k) {
    const std::uint64_t at = (first + k) % others;
    hand.store(at + 1, std::memory_order_relaxed);
    if (take(lowest + 1 + at)) return true;
  }
  for (std::uint64_t i = used + 1; i <= capacity; ++i) {
    if (take(i)) return true;
  }
  for (std::uint64_t k = kAsked; k < others; ++k) {
    if (take(lowest + 1 + (first + k) % others)) return true;
  }
  return false;
}

// Locks a free first slot through fd. Returns slot 0 with errno, as lock_slot() does, if it finds
// none.
format::Owner lock_free(const Segment& segment, int fd) noexcept {
  format::Header& header = segment.header();
  const std::uint64_t capacity = segment.geometry().first_slots;
  format::Owner owner;
  bool failed = false;
  search(format::capped(header.first_slots_used, capacity), capacity, header.first_slot_hand,
         [&](std::uint64_t slot) {
           owner = lock_slot(segment, fd, static_cast<format::SlotIndex>(slot));
           failed = owner.slot == 0 && errno != EAGAIN && errno != EACCES;
           return owner.slot != 0 || failed;
         });
  if (owner.slot == 0 && !failed) errno = EAGAIN;
  return owner;
}

}  // namespace

ClaimResult claim_first_slot(const Segment& segment, Claim& claim) noexcept {
  claim = Claim();
  claimed_in.store(&segment, std::memory_order_relaxed);
  format::Descriptor own = segment.reopen();  // an open file description of this process alone
  claiming_fd.store(own.get(), std::memory_order_release);  // after the segment
  if (!own) return ClaimResult::kUnreachable;
  claim.pin = pin(own.get());
  if (claim.pin == nullptr) {
    claiming_fd.store(-1, std::memory_order_relaxed);
    return ClaimResult::kUnreachable;
  }
  claim.owner = lock_free(segment, own.get());
  const int error = errno;
  own = format::Descriptor();  // a child forked from here on inherits nothing that keeps the lock
  claiming_fd.store(-1, std::memory_order_relaxed);
  if (claim.owner.slot == 0) {
    give_back(claim);
    return error == EAGAIN ? ClaimResult::kAllOwned : ClaimResult::kUnsupported;
  }
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

void share(const Segment& segment) noexcept {
  const format::Descriptor own = segment.reopen();
  void* page = own ? pin(own.get()) : nullptr;
  if (page != nullptr && lock_shared(segment, own.get())) return;
  if (page != nullptr) ::munmap(page, format::page_bytes());
  give_up_reuse(segment);
}

Sharing::Sharing(const Segment& segment) noexcept
    : segment_(segment), description_(segment.reopen()) {
  if (!description_ || !lock_shared(segment, description_.get())) give_up_reuse(segment);
}

// Closing the descriptor is not enough: a child that was forked meanwhile has it, too.
Sharing::~Sharing() {
  struct flock unlock = format::shared_range(segment_.geometry(), F_UNLCK);
  if (description_) ::fcntl(description_.get(), F_OFD_SETLK, &unlock);
}

void number_process(const Segment& segment, ProcessClaim& claim) noexcept {
  if (claim.start != 0) return;
  close_inherited();
  claim.start = segment.header().starts.fetch_add(1, std::memory_order_relaxed) + 1;
}

void announce(const Segment& segment, format::Owner owner, std::uint64_t youngest_born) noexcept {
  format::Head& head = segment.head(owner.slot);
  // Release: a reader that finds this generation in a lane or a gauge finds it after the lock has
  // reported it.
  head.generation.store(owner.generation, std::memory_order_release);
  store_identity(head);
  raise_to(segment.header().first_slots_used, owner.slot);
  // Sequentially consistent, as the clock that the look loads next: who takes a removed series'
  // record finds this, or the look finds the removal. Stored even where it changes nothing, so that
  // this holds then, too.
  const std::uint64_t there = head.since.load(std::memory_order_relaxed);
  head.since.store(std::max(there, youngest_born), std::memory_order_seq_cst);
}

void looked(const Segment& segment, format::Owner owner, std::uint64_t date) noexcept {
  // Release: who finds the date may use what was removed until then, through which nothing is
  // stored any more. What a former owner has left there is no younger, until this one looks.
  segment.head(owner.slot).ack.store(date, std::memory_order_release);
}

format::SlotIndex claim_lane(const Segment& segment, int fd, format::Owner owner) noexcept {
  const format::Geometry& g = segment.geometry();
  format::Header& header = segment.header();
  // Acquire: pairs with release_lane's release, so that this thread adds to what the last one has
  // stored. A dead process's stores are in the file before the kernel drops its lock.
  const auto take = [&](format::Head& head, std::uint64_t word) {
    return head.owner.compare_exchange_strong(word, owner.word(), std::memory_order_acquire,
                                              std::memory_order_relaxed);
  };
  const auto head_of = [&](std::uint64_t lane) -> format::Head& {
    return segment.head(static_cast<format::SlotIndex>(g.first_slots + lane));
  };
  format::SlotIndex taken = 0;
  const auto take_free = [&](std::uint64_t lane) {
    format::Head& head = head_of(lane);
    if (head.owner.load(std::memory_order_relaxed) != 0 || !take(head, 0)) return false;
    taken = static_cast<format::SlotIndex>(lane);
    return true;
  };
  format::Owner known_alive = owner;  // neighbours often share an owner: ask the kernel once
  const auto take_dead = [&](std::uint64_t lane) {
    format::Head& head = head_of(lane);
    const std::uint64_t word = head.owner.load(std::memory_order_relaxed);
    if (word == 0) return take_free(lane);
    const format::Owner there = format::Owner::of_word(word);
    if (there == known_alive || there == owner) return false;
    const bool possible = there.slot >= 1 && there.slot <= g.first_slots;
    if (possible && !format::certainly_dead(fd, there)) {
      known_alive = there;
      return false;
    }
    if (!take(head, word)) return false;
    taken = static_cast<format::SlotIndex>(lane);
    return true;
  };
  const std::uint64_t used = format::capped(header.lanes_used, g.lanes);
  for (std::uint64_t lane = 1; lane <= used && taken == 0; ++lane) take_free(lane);
  if (taken == 0) search(used, g.lanes, header.lane_hand, take_dead);
  if (taken == 0) return 0;
  format::Head& head = head_of(taken);
  head.generation.fetch_add(1, std::memory_order_relaxed);
  store_identity(head);
  raise_to(header.lanes_used, taken);
  return g.first_slots + taken;
}

void release_lane(const Segment& segment, format::SlotIndex lane, format::Owner owner) noexcept {
  std::uint64_t word = owner.word();
  segment.head(lane).owner.compare_exchange_strong(word, 0, std::memory_order_release,
                                                   std::memory_order_relaxed);
}

}  // namespace metrics::update
