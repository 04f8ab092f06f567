#include "libmetrics/reader/limits.h"

#include <algorithm>
#include <string_view>

namespace metrics::reader {
namespace {

// How many times the space that a file takes its exposition may cost.
constexpr std::uint64_t kTimes = 8;
// The parts of a text that stay from scrape to scrape, and the text itself.
constexpr std::uint64_t kCopies = 2;
constexpr std::uint64_t kNumber = 16;  // of a sample, beside its name and labels
// A native histogram has many counts for each sample of a text. Each is a value in its segment's
// families and in those of all segments, and may be a bucket of a protobuf exposition.
constexpr std::uint64_t kCount = 40;
// What describes a series, in its segment's families and in those of all segments.
constexpr std::uint64_t kSeries = 512;
constexpr std::uint64_t kExemplar = 1024;  // its words, its labels, and its text

std::uint64_t beyond(std::uint64_t cost, std::uint64_t paid) noexcept {
  return cost > paid ? cost - paid : 0;
}

std::uint64_t size_of(std::span<const std::string_view> strings) {
  std::uint64_t bytes = 0;
  for (const std::string_view s : strings) bytes += s.size();
  return bytes;
}

// Bounds the bytes of a name where it is written: quoted, or escaped for a server that asks for it
// (format/escaping.h), with what stands around a label's name and value. `dots` writes `_` as two
// and `.` as five bytes; nothing takes more.
std::uint64_t written_size(std::string_view name) noexcept {
  std::uint64_t bytes = 10;  // `U__`, a digit at the beginning, which takes four, and `="",`
  for (const char c : name) {
    const bool stays = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    bytes += stays ? 1 : c == '_' ? 2 : 5;
  }
  return bytes;
}
template <class Names>
std::uint64_t written_size(const Names& names) noexcept {
  std::uint64_t bytes = 0;
  for (const std::string_view name : names) bytes += written_size(name);
  return bytes;
}

// Bounds the bytes of a sample of that family, without the values of its series' labels.
std::uint64_t size_of_line(const format::FamilyView& family) noexcept {
  return written_size(family.name) + written_size(family.labels) + kNumber;
}

// Returns what a series costs that has so many samples of so many bytes.
std::uint64_t cost_of_lines(std::uint64_t samples, std::uint64_t line) noexcept {
  return kSeries + kCopies * samples * line;
}

// Bounds the bytes of what a series has in each sample: the values of its labels; the names, too,
// if they are not those of its family.
std::uint64_t size_of_strings(const format::FamilyView& family, const format::SeriesView& series) {
  std::uint64_t bytes = series.strings.text_bytes();
  if (format::values_of(family.type) != format::Values::kInfo) return bytes;
  const auto& strings = series.strings;  // names and values in turn
  for (auto name = strings.begin(); name != strings.end(); ++name, ++name) {
    bytes += written_size(*name);
  }
  return bytes;
}

}  // namespace

Cost excess_of(const Cost& cost, std::uint64_t space_taken) noexcept {
  return {beyond(cost.copy, space_taken), beyond(cost.exposition, kTimes * space_taken)};
}

std::string Allowance::lacks(const Cost& cost, std::uint64_t space_taken) const {
  const Cost excess = excess_of(cost, space_taken);
  const std::string space = ", but takes only " + std::to_string(space_taken) + " on disk";
  if (excess.copy > left_.copy) {
    return "has a directory and slots of " + std::to_string(cost.copy) + " bytes" + space;
  }
  if (excess.exposition > left_.exposition) {
    return "describes so many samples, or has labels so long, that showing it would take " +
           std::to_string(cost.exposition) + " bytes of memory" + space;
  }
  return "";
}

std::string Allowance::take(const Cost& cost, std::uint64_t space_taken) {
  std::string lacking = lacks(cost, space_taken);
  if (!lacking.empty()) return lacking;
  const Cost excess = excess_of(cost, space_taken);
  left_.copy -= excess.copy;
  left_.exposition -= excess.exposition;
  return "";
}

std::string excess_of_data(std::uint64_t bytes, std::uint64_t space_taken) {
  constexpr std::uint64_t kLittle = 16 << 20;
  if (bytes <= std::max(kLittle, 2 * space_taken)) return "";
  return "has " + std::to_string(bytes) + " bytes of data in a slot, far more than the file takes";
}

std::uint64_t cost_of_series(const format::FamilyView& family, const format::SeriesView& series,
                             std::uint64_t samples) {
  return cost_of_lines(samples, size_of_line(family) + size_of_strings(family, series));
}

std::uint64_t cost_of_sample(const format::FamilyView& family, const format::SeriesView& series,
                             std::span<const std::string_view> states) {
  const std::uint64_t one = cost_of_series(family, series, 1);
  if (states.empty()) return one;
  return states.size() * (one + kCopies * written_size(family.name)) + kCopies * size_of(states);
}

SumCosts::SumCosts(const Contents& contents, std::span<const format::Group> groups)
    : contents_(contents) {
  for (const format::Group& group : groups) {
    const format::FamilyView& last = contents.families[group.last];
    const bool counts = !group.hidden_by && !format::is_of_processes(last.type);
    const auto bounds = static_cast<std::uint32_t>(last.bounds.size());
    // Its cells, a count, and when it was created, on demand; a counter has fewer.
    const std::uint64_t samples = counts ? 2 + format::cell_count(last.type, bounds) : 0;
    for (const std::size_t edition : group.editions) {
      const format::FamilyView& f = contents.families[edition];
      // Of an edition that is shown as another one, both.
      std::uint64_t of_native = f.native && edition != group.last ? f.cells : 0;
      if (group.native) of_native += format::grid_size(last.bounds, group.native);
      families_.emplace(f.offset, OfFamily{samples, of_native, size_of_line(f)});
    }
  }
}

std::uint64_t SumCosts::of(const format::SeriesView& s) const {
  const OfFamily& family = families_.at(s.family);
  if (family.samples == 0) return 0;
  return cost_of_lines(family.samples, family.line + s.strings.text_bytes()) +
         kCount * family.counts + kExemplar * s.places;
}

std::uint64_t SumCosts::of_all() const {
  std::uint64_t bytes = 0;
  for (const format::SeriesView& s : contents_.series) {
    if (s.is_live()) bytes += of(s);
  }
  return bytes;
}

}  // namespace metrics::reader
