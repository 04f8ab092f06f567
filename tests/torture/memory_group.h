// memory_group.h -- a memory cgroup: of version 1, or of version 2 where it may have children.
#pragma once

#include <cstdint>
#include <string>

namespace metrics::torture {

class MemoryGroup {
 public:
  // Makes a group with that limit. is_there() is false where none can be made.
  explicit MemoryGroup(std::uint64_t limit_bytes);
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;
  ~MemoryGroup();  // removes it, once the last process has left it

  bool is_there() const { return !directory_.empty(); }
  // Moves the calling process into the group. False if the kernel refuses that.
  bool join() const;
  // Returns the memory that the group's processes use at the moment.
  std::uint64_t used_bytes() const;

 private:
  std::string directory_, usage_;
};

}  // namespace metrics::torture
