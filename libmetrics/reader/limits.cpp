#include "libmetrics/reader/limits.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "libmetrics/reader/seeded.h"

namespace metrics::reader {
namespace {

constexpr std::uint64_t kLittle = 16 << 20;
constexpr std::uint64_t kMostText = 512 << 20;
constexpr std::uint64_t kMuch = std::uint64_t{8} << 30;
// How many times the file's size on disk a scrape may read (sparse slots) or print (long labels).
constexpr std::uint64_t kMostTimes = 64;

// Returns about how many bytes all series take as text: long labels are repeated for each bucket.
std::uint64_t text_bytes(const Contents& contents, std::span<const format::Group> groups) {
  constexpr std::uint64_t kNumber = 16;  // of a sample, beside its name and labels
  const auto size = [](const auto& strings) {
    std::uint64_t bytes = 0;
    for (const std::string_view s : strings) bytes += s.size();
    return bytes;
  };
  struct Shown {
    std::uint64_t samples, bytes;  // of a series; the bytes without its label values
  };
  std::unordered_map<format::Offset, Shown, Seeded> of_family;
  for (const format::Group& group : groups) {
    const format::FamilyView& last = contents.families[group.last];
    const std::uint64_t samples =
        group.hidden_by
            ? 0
            : std::uint64_t{1} +
                  format::cell_count(last.type, static_cast<std::uint32_t>(last.bounds.size()));
    for (const std::size_t edition : group.editions) {
      const format::FamilyView& f = contents.families[edition];
      of_family.emplace(f.offset, Shown{samples, f.name.size() + size(f.labels) + kNumber});
    }
  }
  std::uint64_t bytes = 0;
  for (const format::SeriesView& s : contents.series) {
    if (!s.is_live()) continue;
    const Shown& shown = of_family.at(s.family);
    bytes += shown.samples * (shown.bytes + size(s.strings));
  }
  return bytes;
}

}  // namespace

std::string excess_of_copy(std::uint64_t bytes, std::uint64_t space_taken) {
  if (bytes <= std::max(kLittle, space_taken)) return "";
  return "has a directory of " + std::to_string(bytes) + " bytes, more than the file takes";
}

std::string excess_of_slots(std::uint64_t slots, std::uint64_t cells, std::uint64_t space_taken) {
  const std::uint64_t bytes = cells * sizeof(std::uint64_t);
  if (bytes <= std::max(kLittle, space_taken) &&
      bytes * slots <= std::max(kMuch, kMostTimes * space_taken)) {
    return "";
  }
  return "has " + std::to_string(slots) + " slots with " + std::to_string(bytes) +
         " bytes in use each, far more than the file takes";
}

std::string excess_of_text(const Contents& contents, std::span<const format::Group> groups,
                           std::uint64_t space_taken) {
  const std::uint64_t bytes = text_bytes(contents, groups);
  if (bytes <= std::max(kMostText, kMostTimes * space_taken)) return "";
  return "describes so much, or with labels so long, that it would be " + std::to_string(bytes) +
         " bytes of text";
}

}  // namespace metrics::reader
