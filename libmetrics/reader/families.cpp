#include "libmetrics/reader/families.h"

#include <atomic>

namespace metrics::reader {

std::uint64_t new_shape() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace metrics::reader
