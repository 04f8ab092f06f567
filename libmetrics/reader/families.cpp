#include "libmetrics/reader/families.h"

#include <atomic>
#include <numeric>

namespace metrics::reader {

std::uint64_t new_shape() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::uint64_t new_number() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::vector<std::uint64_t> Families::buckets(const Family& f, const Series& s) const {
  const auto all = counts(f, s);
  if (!f.native) return {all.begin(), all.end()};
  std::vector<std::uint64_t> explicit_ones;
  auto begin = all.begin();
  for (const std::uint32_t position : f.positions) {
    const auto end = all.begin() + position + 1;
    explicit_ones.push_back(std::accumulate(begin, end, std::uint64_t{0}));
    begin = end;
  }
  return explicit_ones;
}

}  // namespace metrics::reader
