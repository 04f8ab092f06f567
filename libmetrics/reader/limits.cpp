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
std::uint64_t text_bytes(const Contents& contents) {
  const auto size = [](const auto& strings) {
    std::uint64_t bytes = 0;
    for (const std::string_view s : strings) bytes += s.size();
    return bytes;
  };
  std::unordered_map<format::Offset, std::uint64_t, Seeded> of_family;
  for (const format::FamilyView& f : contents.families) {
    of_family.emplace(f.offset, f.name.size() + size(f.labels));
  }
  std::uint64_t bytes = 0;
  for (const format::SeriesView& s : contents.series) {
    if (s.is_live()) {
      bytes += (s.cell_count + std::uint64_t{1}) * (of_family.at(s.family) + size(s.strings));
    }
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

std::string excess_of_text(const Contents& contents, std::uint64_t space_taken) {
  const std::uint64_t bytes = text_bytes(contents);
  if (bytes <= std::max(kMostText, kMostTimes * space_taken)) return "";
  return "describes so much, or with labels so long, that it would be " + std::to_string(bytes) +
         " bytes of text";
}

}  // namespace metrics::reader
