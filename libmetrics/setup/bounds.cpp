#include "libmetrics/setup/bounds.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <limits>
#include <new>

namespace metrics::setup {
namespace {

constexpr std::size_t kAlignment = update::kBoundsAlignment;

std::size_t aligned(std::size_t bytes) noexcept {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

void Bounds::Free::operator()(std::byte* p) const noexcept { std::free(p); }

Bounds::Bounds(std::span<const double> bounds, const std::optional<format::Native>& native) {
  if (native) {
    const std::vector<double> grid = format::grid_of(bounds, native);
    if (divide(grid, native->schema, 1, update::kMostStretchesOfOne) ||
        divide(grid, native->schema, update::kMostInStretch, update::kMostStretches)) {
      return;
    }
    lay_out(grid, 0);
  } else {
    lay_out(bounds, 0);
  }
  search_ = *update::searches(count_).begin();
}

// Takes memory for the bounds, and for what stands before them.
void Bounds::lay_out(std::span<const double> bounds, std::size_t bytes_before) {
  count_ = static_cast<std::uint32_t>(bounds.size());
  padded_ = update::padded_count(count_);
  const std::size_t bytes = aligned((count_ + 1) * sizeof(double));
  memory_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, bytes_before + bytes)));
  if (memory_ == nullptr) throw std::bad_alloc();
  data_ = reinterpret_cast<double*>(memory_.get() + bytes_before);
  std::fill_n(data_, bytes / sizeof(double), std::numeric_limits<double>::infinity());
  // Added to 0, a zero loses its sign, with which its bits would not be the least.
  std::transform(bounds.begin(), bounds.end(), data_, [](double bound) { return bound + 0.0; });
}

// Lays out bounds of that schema for update/stretches.h, in stretches that hold so many of them.
// Returns false if the bounds crowd so much that this takes too many.
bool Bounds::divide(const std::vector<double>& grid, int schema, std::uint32_t most,
                    std::uint64_t most_stretches) {
  const auto first_above = std::upper_bound(grid.begin(), grid.end(), 0.0);
  if (first_above == grid.end()) return false;
  const auto lowest = std::bit_cast<std::uint64_t>(*first_above);
  const auto last = std::bit_cast<std::uint64_t>(grid.back());
  update::Stretches s{};
  s.positive = static_cast<std::uint32_t>(first_above - grid.begin());
  s.count = static_cast<std::uint32_t>(grid.size());
  // One bit more than the schema has: no stretch holds two bounds of the rule.
  for (auto bits = static_cast<std::uint32_t>(schema) + 1; bits <= update::kMostBits; ++bits) {
    const std::uint32_t shift = update::kMantissaBits - bits;
    const std::uint64_t base = lowest >> shift;
    const std::uint64_t size = (last >> shift) - base + 1;
    if (size > most_stretches) return false;
    std::vector<std::uint16_t> below(size);
    auto bound = grid.begin();
    std::uint32_t held = 0;
    for (std::size_t i = 0; i < below.size() && held <= most; ++i) {
      const auto begin = std::bit_cast<double>((base + i) << shift);
      const auto end = std::bit_cast<double>((base + i + 1) << shift);
      bound = std::find_if(bound, grid.end(), [&](double b) { return b >= begin; });
      below[i] = static_cast<std::uint16_t>(bound - grid.begin());
      const auto within =
          std::find_if(bound, grid.end(), [&](double b) { return b >= end; }) - bound;
      held = std::max(held, static_cast<std::uint32_t>(within));
    }
    if (held > most) continue;
    s.end = (base + size) << shift;
    s.begin_before_end = (base << shift) - s.end;
    const std::size_t table = aligned(below.size() * sizeof below[0]);
    lay_out(grid, table + sizeof s);
    std::byte* const end = memory_.get() + table;
    new (end) update::Stretches(s);
    std::copy(below.begin(), below.end(), reinterpret_cast<std::uint16_t*>(end) - size);
    search_ = update::search_of_stretches(held, bits);
    return true;
  }
  return false;
}

std::span<const double> default_bounds() noexcept {
  static constexpr std::array<double, 11> kBounds = {.005, .01, .025, .05, .1, .25,
                                                     .5,   1,   2.5,  5,   10};
  return kBounds;
}

}  // namespace metrics::setup
