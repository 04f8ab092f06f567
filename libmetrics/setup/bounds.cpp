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
    if (divide(grid, native->schema)) return;
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
  const std::size_t bytes = std::max(padded_ * sizeof(double), kAlignment);
  memory_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, bytes_before + bytes)));
  if (memory_ == nullptr) throw std::bad_alloc();
  data_ = reinterpret_cast<double*>(memory_.get() + bytes_before);
  std::fill_n(data_, bytes / sizeof(double), std::numeric_limits<double>::infinity());
  // Added to 0, a zero loses its sign, with which its bits would not be the least.
  std::transform(bounds.begin(), bounds.end(), data_, [](double bound) { return bound + 0.0; });
}

// Lays out bounds of that schema for update/stretches.h. Returns false if they crowd so much that
// stretches with few of them would be too many.
bool Bounds::divide(const std::vector<double>& grid, int schema) {
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
    if (size > update::kMostStretches) return false;
    s.begin = base << shift;
    s.span = last - s.begin;
    std::vector<std::uint16_t> below(size);
    std::uint32_t most = 0;
    auto bound = grid.begin();
    for (std::size_t i = 0; i < below.size(); ++i) {
      const auto begin = std::bit_cast<double>((base + i) << shift);
      const auto end = std::bit_cast<double>((base + i + 1) << shift);
      bound = std::lower_bound(bound, grid.end(), begin);
      below[i] = static_cast<std::uint16_t>(bound - grid.begin());
      const auto within = std::lower_bound(bound, grid.end(), end) - bound;
      most = std::max(most, static_cast<std::uint32_t>(within));
    }
    if (most > update::kMostInStretch) continue;
    const std::size_t table = aligned(below.size() * sizeof below[0]);
    lay_out(grid, table + sizeof s);
    auto* const there = reinterpret_cast<std::uint16_t*>(memory_.get());
    std::copy(below.begin(), below.end(), there);
    s.below = there;
    new (memory_.get() + table) update::Stretches(s);
    search_ = update::search_of_stretches(most, bits);
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
