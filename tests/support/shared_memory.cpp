#include "tests/support/shared_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <system_error>

namespace metrics::test {

void* shared_memory(std::size_t bytes) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  return at;
}

}  // namespace metrics::test
