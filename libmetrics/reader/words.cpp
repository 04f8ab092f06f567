#include "libmetrics/reader/words.h"

#include <sys/mman.h>

#include "libmetrics/format/file.h"

namespace metrics::reader {

void prefer_large_pages(void* begin, std::size_t bytes) noexcept {
  constexpr std::size_t kWorthIt = std::size_t{2} << 20;  // as large as one is
  if (bytes < kWorthIt) return;
  const std::size_t page = format::page_bytes();
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(begin) % page;
  // Where the kernel has none, pages are small.
  ::madvise(static_cast<std::byte*>(begin) + before, (bytes - before) / page * page, MADV_HUGEPAGE);
}

}  // namespace metrics::reader
