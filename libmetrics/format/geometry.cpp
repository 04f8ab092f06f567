#include "libmetrics/format/geometry.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "libmetrics/format/file.h"

namespace metrics::format {
namespace {

std::uint64_t round_up(std::uint64_t n, std::uint64_t to) { return (n + to - 1) / to * to; }

}  // namespace

std::vector<SlotIndex> used_slots(const Geometry& geometry, SlotIndex first_slots_used,
                                  SlotIndex lanes_used) {
  std::vector<SlotIndex> slots;
  slots.reserve(std::size_t{1} + first_slots_used + lanes_used);
  for (SlotIndex i = 0; i <= first_slots_used; ++i) slots.push_back(i);
  for (SlotIndex i = 1; i <= lanes_used; ++i) slots.push_back(geometry.first_slots + i);
  return slots;
}

Geometry geometry_of(const metrics_geometry& wanted) {
  const std::uint64_t page = page_bytes();
  Geometry g{};
  g.head_bytes = sizeof(Head);
  g.first_slots = wanted.processes;
  g.lanes = wanted.threads;
  g.cells = wanted.cells;
  g.heads = page;
  g.index = round_up(g.heads + std::uint64_t{g.slot_count()} * g.head_bytes, page);
  // A chain then holds some 25 records when the directory is full of records of the usual size. A
  // removed series' record stays in its chain: with fewer in each, a series would more often come
  // to a chain that has none to take while others have many, and be refused in a full directory.
  constexpr std::uint64_t kBytesPerChain = 4096, kFewestChains = 16;
  g.index_buckets = std::bit_ceil(std::max(kFewestChains, wanted.directory_bytes / kBytesPerChain));
  g.directory = round_up(g.index + g.index_buckets * sizeof(Chain), page);
  g.directory_bytes = round_up(wanted.directory_bytes, page);
  g.slots = g.directory + g.directory_bytes;
  g.slot_bytes = round_up(g.cells * sizeof(Cell), page);
  g.file_bytes = g.slots + std::uint64_t{g.slot_count()} * g.slot_bytes;
  return g;
}

CheckedGeometry check_header(Header& copy, std::uint64_t file_bytes, OpenFor purpose) {
  const auto no = [](std::string why) { return CheckedGeometry{std::nullopt, std::move(why)}; };
  if (copy.magic != kMagic) {
    return no("is not a metrics segment");
  }
  if (copy.major != kMajor) {
    return no("has format " + std::to_string(copy.major) + "." + std::to_string(copy.minor) +
              "; this program knows " + std::to_string(kMajor) + ".x");
  }
  if (copy.header_bytes < kHeaderBytes20 || copy.header_bytes > kPage) {
    return no("has a header of " + std::to_string(copy.header_bytes) + " bytes");
  }
  const auto present = std::min<std::size_t>(copy.header_bytes, sizeof copy);
  std::memset(reinterpret_cast<std::byte*>(&copy) + present, 0, sizeof copy - present);
  if (purpose == OpenFor::kWriting && (copy.features & kSnapshot) != 0) {
    return no("is a snapshot of a segment, in which no process can count; use another path");
  }
  // A program that obeys none of the rules that came with a feature would spoil the segment, or
  // show it wrongly.
  const std::uint32_t unknown =
      (copy.features & ~kFeatures) |
      (purpose == OpenFor::kWriting ? copy.writer_features & ~kWriterFeatures : 0);
  if (unknown != 0) {
    return no("has format " + std::to_string(copy.major) + '.' + std::to_string(copy.minor) +
              " with features that this program, for " + std::to_string(kMajor) + '.' +
              std::to_string(kMinor) + ", does not know (bits " + std::to_string(unknown) +
              "); use the newer library, or another path");
  }
  const Geometry g{copy.head_bytes, copy.first_slots,     copy.lanes, copy.cells_per_slot,
                   copy.file_bytes, copy.heads,           copy.index, copy.index_buckets,
                   copy.directory,  copy.directory_bytes, copy.slots, copy.slot_bytes};
  constexpr std::uint64_t kMost = kMostFileBytes;
  const bool small = g.head_bytes <= kPage && g.first_slots < 1u << 20 && g.lanes < 1u << 20 &&
                     g.cells < kMost / 8 && g.heads < kMost && g.index < kMost &&
                     g.index_buckets < kMost / 8 && g.directory < kMost &&
                     g.directory_bytes < kMost && g.slots < kMost && g.slot_bytes < kMost;
  const auto on_page = [](std::uint64_t offset) { return offset % kPage == 0; };
  const bool whole = small && g.head_bytes >= kHeadBytes20 && g.head_bytes % kCacheLine == 0 &&
                     g.first_slots > 0 && g.cells > 0 && std::has_single_bit(g.index_buckets) &&
                     on_page(g.heads) && on_page(g.index) && on_page(g.directory) &&
                     on_page(g.directory_bytes) && on_page(g.slots) && on_page(g.slot_bytes) &&
                     g.heads >= copy.header_bytes && g.index >= g.head_offset(g.slot_count()) &&
                     g.directory >= g.index + g.index_buckets * sizeof(Chain) &&
                     g.slots >= g.directory + g.directory_bytes &&
                     g.slot_bytes >= g.cells * sizeof(Cell) &&
                     (g.slot_bytes == 0 || g.slot_count() <= kMost / g.slot_bytes) &&
                     g.file_bytes == g.slot_offset(g.slot_count());
  if (!whole) return no("has a header whose parts don't fit together");
  if (file_bytes < g.file_bytes) {
    return no("is truncated: " + std::to_string(file_bytes) + " of " +
              std::to_string(g.file_bytes) + " bytes");
  }
  return {g, {}};
}

}  // namespace metrics::format
