#include "libmetrics/format/ownership.h"

#include <sys/stat.h>
#include <unistd.h>

namespace metrics::format {
namespace {

constexpr unsigned kSlotShift = 32;

}  // namespace

struct flock lock_range(SlotIndex first_slot, std::int64_t length, short type) noexcept {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(first_slot) << kSlotShift;
  lock.l_len = length;
  return lock;
}

Ownership ownership(int fd, SlotIndex first_slot) noexcept {
  // Probes as a reader would: owners hold write locks; a read lock was not taken by this library.
  struct flock lock = lock_range(first_slot, std::int64_t{1} << kSlotShift, F_RDLCK);
  if (::fcntl(fd, F_OFD_GETLK, &lock) != 0) return {};
  if (lock.l_type == F_UNLCK) return {Ownership::State::kFree, 0};
  if (lock.l_start != static_cast<off_t>(first_slot) << kSlotShift ||
      lock.l_len < kClaimingLength || lock.l_len > length_of(kMaxGeneration)) {
    return {};  // not a lock that this library takes
  }
  if (lock.l_len == kClaimingLength) return {Ownership::State::kClaiming, 0};
  return {Ownership::State::kOwned, static_cast<Generation>(lock.l_len - 1)};
}

bool none_is_owned(int fd, SlotIndex first_slot, SlotIndex count) noexcept {
  struct flock lock = lock_range(first_slot, std::int64_t{count} << kSlotShift, F_RDLCK);
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

bool certainly_dead(int fd, Owner owner) noexcept {
  const Ownership now = ownership(fd, owner.slot);
  switch (now.state) {
    case Ownership::State::kFree:
    case Ownership::State::kClaiming:  // the lock has passed to the next owner
      return true;
    case Ownership::State::kOwned:
      return now.generation != owner.generation;
    case Ownership::State::kUnknown:
      return false;
  }
  return false;
}

struct flock shared_range(const Geometry& geometry, short type) noexcept {
  return lock_range(geometry.first_slots + 1, 1, type);
}

bool nobody_shares(int fd, const Geometry& geometry) noexcept {
  struct flock lock = shared_range(geometry, F_WRLCK);
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

std::uint64_t own_pid_namespace() noexcept {
  struct stat info {};
  return ::stat("/proc/self/ns/pid", &info) == 0 ? info.st_ino : 0;
}

}  // namespace metrics::format
