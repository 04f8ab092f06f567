#include "libmetrics/setup/surroundings.h"

#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "libmetrics/format/file.h"
#include "libmetrics/format/geometry.h"
#include "libmetrics/format/ownership.h"

namespace metrics::setup {
namespace {

bool is_on_disk(int fd) {
  struct statfs info {};
  if (::fstatfs(fd, &info) != 0) return false;
  constexpr std::array<unsigned long, 3> kInMemory = {
      0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */, 0x958458f6 /* hugetlbfs */};
  const auto type = static_cast<unsigned long>(info.f_type) & 0xffffffffUL;
  return std::find(kInMemory.begin(), kInMemory.end(), type) == kInMemory.end();
}

// What says which service a process is of. Fields that can't be found out are empty.
struct Program {
  std::string unit;  // the systemd unit, without its instance: "web" of web@1.service
  std::string
      executable;  // its file's name, without the directory, which may change with a release
};

std::string proc(pid_t pid, const char* what) {
  return "/proc/" + std::to_string(pid) + '/' + what;
}

std::string unit_of(pid_t pid) {
  std::array<char, 4096> text{};
  const auto fd = format::open_file(proc(pid, "cgroup").c_str(), format::OpenFor::kReading);
  const ssize_t got = fd ? ::read(fd.get(), text.data(), text.size()) : -1;
  std::string_view rest(text.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
  std::string
      unit;  // the last component of a path that is a unit: units of users are in another one
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of("/\n"), rest.size());
    std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    constexpr std::string_view kEnding = ".service";
    // All that a user starts from a desktop is in user@UID.service.
    if (!part.ends_with(kEnding) || part.starts_with("user@")) continue;
    part.remove_suffix(kEnding.size());
    unit = part.substr(0, part.find('@'));
  }
  return unit;
}

std::string executable_of(pid_t pid) {
  std::array<char, 4096> path{};
  const ssize_t got = ::readlink(proc(pid, "exe").c_str(), path.data(), path.size());
  std::string_view name(path.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
  name.remove_prefix(std::min(name.rfind('/') + 1, name.size()));  // npos + 1 is 0
  constexpr std::string_view kReplaced = " (deleted)";
  if (name.ends_with(kReplaced)) name.remove_suffix(kReplaced.size());
  return std::string(name);
}

Program program_of(pid_t pid) { return {unit_of(pid), executable_of(pid)}; }

// Returns what the other process is, and what this one is, if they are of two services; empty names
// if they are of one, or it can't be known.
struct Names {
  std::string own, other;
};
Names two_services(const Program& own, const Program& other, pid_t pid) {
  if (!own.unit.empty() && !other.unit.empty()) {
    return own.unit == other.unit ? Names{} : Names{own.unit, other.unit};
  }
  const bool is_related = ::getpgid(pid) == ::getpgrp() || pid == ::getppid();
  const bool is_known = !own.executable.empty() && !other.executable.empty();
  if (is_related || !is_known || own.executable == other.executable) return {};
  return {own.executable, other.executable};
}

// Returns a sentence about the first process of another service that owns a slot; empty if there is
// none.
std::string stranger(const update::Segment& segment, int fd) {
  constexpr std::uint64_t kMostSlots = 64;
  const format::Geometry& g = segment.geometry();
  const std::uint64_t used = format::capped(segment.header().first_slots_used, g.first_slots);
  if (used == 0) return "";
  const Program own = program_of(::getpid());
  const std::uint64_t own_namespace = format::own_pid_namespace();
  for (format::SlotIndex slot = 1; slot <= std::min(used, kMostSlots); ++slot) {
    const format::Head& head = segment.head(slot);
    const std::uint64_t pid = head.pid.load(std::memory_order_relaxed);
    if (pid == 0 || pid > std::numeric_limits<pid_t>::max() ||
        head.pid_namespace.load(std::memory_order_relaxed) != own_namespace ||
        format::ownership(fd, slot).state != format::Ownership::State::kOwned) {
      continue;
    }
    const auto other = static_cast<pid_t>(pid);
    const Names names = two_services(own, program_of(other), other);
    if (names.own.empty()) continue;
    return "METRICS_SEGMENT is not set: this process, of " + names.own + ", counts in " +
           segment.file() + " together with process " + std::to_string(other) + ", of " +
           names.other +
           "; give each service a METRICS_SEGMENT of its own, or both the same one if they are one";
  }
  return "";
}

}  // namespace

std::vector<std::string> surroundings(const update::Segment& segment, bool is_default) {
  const format::Descriptor fd = segment.reopen();
  if (!fd) return {};
  std::vector<std::string> sentences;
  if (is_on_disk(fd.get())) {
    sentences.push_back(segment.file() +
                        " is on a disk file system, whose writeback can stall updates; choose a "
                        "path on tmpfs, e.g. under /dev/shm or /run");
  }
  if (is_default) {
    std::string about = stranger(segment, fd.get());
    if (!about.empty()) sentences.push_back(std::move(about));
  }
  return sentences;
}

}  // namespace metrics::setup
