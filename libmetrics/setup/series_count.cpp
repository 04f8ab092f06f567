#include "libmetrics/setup/series_count.h"

namespace metrics::setup {

// Relaxed everywhere: one word that only counts, and says nothing about other memory.

// Not by adding first and looking then: one that is refused would keep others from the last place
// meanwhile, and, if it were killed, for good.
Counted::Counted(format::FamilyRecord& family) noexcept {
  std::uint64_t used = family.series_used.load(std::memory_order_relaxed);
  do {
    if (family.max_series != 0 && used >= family.max_series) return;
  } while (!family.series_used.compare_exchange_weak(used, used + 1, std::memory_order_relaxed,
                                                     std::memory_order_relaxed));
  family_ = &family;
}

Counted::~Counted() {
  if (family_ != nullptr) uncount(*family_);
}

void uncount(format::FamilyRecord& family) noexcept {
  family.series_used.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace metrics::setup
