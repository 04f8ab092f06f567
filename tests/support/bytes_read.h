// bytes_read.h -- how much a process has read, for tests of what reading costs.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

namespace metrics::test {

// Returns how many bytes this process has read from files; 0 if the kernel does not count them.
inline std::uint64_t bytes_read() {
  std::ifstream io("/proc/self/io");
  std::string name;
  std::uint64_t bytes = 0;
  while (io >> name >> bytes) {
    if (name == "rchar:") return bytes;
  }
  return 0;
}

}  // namespace metrics::test
