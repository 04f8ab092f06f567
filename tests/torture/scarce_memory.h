// scarce_memory.h -- lets a thread's allocations fail at random.
#pragma once

#include <cstdint>
#include <random>

namespace metrics::torture {

// While it lives, one allocation of this thread in `every` fails, on average.
class ScarceMemory {
 public:
  ScarceMemory(std::mt19937_64& random, unsigned every);
  ScarceMemory(const ScarceMemory&) = delete;
  ScarceMemory& operator=(const ScarceMemory&) = delete;
  ~ScarceMemory();
  // How many allocations of this thread have failed, in all such scopes.
  static std::uint64_t failed();
};

}  // namespace metrics::torture
