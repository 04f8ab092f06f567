#include "tests/torture/memory_group.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "tests/support/eventually.h"
#include "tests/torture/processes.h"

namespace metrics::torture {
namespace {

bool write(const std::string& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  return out.good();
}

}  // namespace

MemoryGroup::MemoryGroup(std::uint64_t limit_bytes) {
  for (const auto& [root, limit, usage] :
       {std::array{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"},
        std::array{"/sys/fs/cgroup", "memory.max", "memory.current"}}) {
    const std::string group = std::string(root) + "/metrics-torture-" + std::to_string(::getpid());
    if (::mkdir(group.c_str(), 0700) != 0) continue;
    if (std::filesystem::exists(group + '/' + limit) &&
        write(group + '/' + limit, std::to_string(limit_bytes))) {
      directory_ = group;
      usage_ = group + '/' + usage;
      return;
    }
    ::rmdir(group.c_str());
  }
}

MemoryGroup::~MemoryGroup() {
  if (is_there()) test::eventually([this] { return ::rmdir(directory_.c_str()) == 0; });
}

bool MemoryGroup::join() const {
  return write(directory_ + "/cgroup.procs", std::to_string(::getpid()));
}

std::uint64_t MemoryGroup::used_bytes() const {
  std::uint64_t bytes = 0;
  std::ifstream(usage_) >> bytes;
  return bytes;
}

}  // namespace metrics::torture
