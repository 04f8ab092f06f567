#include "libmetrics/reader/record_index.h"

#include <algorithm>
#include <utility>

namespace metrics::reader {
namespace {

// Not more than the least that a record takes, so that at most one begins in each.
constexpr std::uint64_t kGranule = 64;
static_assert(sizeof(format::FamilyRecord) >= kGranule && sizeof(format::SeriesRecord) >= kGranule);
constexpr std::uint32_t kPlaces = kGranule / alignof(format::Record);
constexpr std::uint32_t kNumbers = 3;  // of kinds

// Returns an entry as a word, where the directory begins at that offset.
std::uint32_t packed(const RecordIndex::Entry& e, format::Offset directory) noexcept {
  const auto place =
      static_cast<std::uint32_t>((e.offset - directory) / alignof(format::Record) % kPlaces);
  return (1 + e.number * kNumbers + static_cast<std::uint32_t>(e.kind)) * kPlaces + place;
}
constexpr std::uint32_t kMostRecords = ~std::uint32_t{0} / (kPlaces * kNumbers) - 1;

}  // namespace

std::uint64_t counted_bytes(const format::Window& records, format::Offset offset, bool is_live) {
  const auto* record = records.at<format::Record>(offset);
  std::uint64_t bytes = std::max<std::uint64_t>(record->bytes, sizeof(format::Record));
  const auto* series = records.at<format::SeriesRecord>(offset);
  if (is_live && series != nullptr) bytes = std::max<std::uint64_t>(bytes, series->room);
  return bytes;
}

std::optional<RecordIndex> RecordIndex::of(const Contents& contents, Identities identities,
                                           const format::Window& records,
                                           const format::Geometry& geometry) {
  if (contents.unknown_families != 0 || contents.other_records != 0 ||
      contents.families.size() + contents.series_records() > kMostRecords) {
    return std::nullopt;
  }
  RecordIndex index;
  index.directory_ = geometry.directory;
  index.most_cells_ = 8 * (records.last() - std::min(records.last(), geometry.index));
  index.identities_ = std::move(identities);
  for (std::size_t i = 0; i < contents.families.size(); ++i) {
    const format::Offset at = contents.families[i].offset;
    if (!index.set({at, Kind::kFamily, static_cast<std::uint32_t>(i)})) return std::nullopt;
    index.record_bytes_ += counted_bytes(records, at, false);
  }
  for (const format::Offset at : contents.idle) {
    if (!index.set({at, Kind::kIdle, 0})) return std::nullopt;
    index.record_bytes_ += counted_bytes(records, at, false);
  }
  for (std::size_t i = 0; i < contents.series.size(); ++i) {
    const format::SeriesView& s = contents.series[i];
    const auto number = static_cast<std::uint32_t>(i);
    if (!index.set({s.offset, Kind::kSeries, number}) || !index.claim_cells(s) ||
        !index.claim_room(s, number, records)) {
      return std::nullopt;
    }
    index.record_bytes_ += counted_bytes(records, s.offset, true);
  }
  return index;
}

std::optional<RecordIndex::Entry> RecordIndex::last_before(format::Offset offset) const noexcept {
  if (offset < directory_ || granules_.empty()) return std::nullopt;
  constexpr std::uint64_t kBack = format::kMaxRecordBytes / kGranule + 1;
  std::uint64_t g = std::min<std::uint64_t>((offset - directory_) / kGranule, granules_.size() - 1);
  for (std::uint64_t back = 0; back <= kBack; ++back) {
    if (const std::uint32_t word = granules_[g]; word != 0) {
      const format::Offset begin =
          directory_ + g * kGranule + word % kPlaces * alignof(format::Record);
      const std::uint32_t rest = word / kPlaces - 1;
      if (begin <= offset) return Entry{begin, static_cast<Kind>(rest % kNumbers), rest / kNumbers};
    }
    if (g-- == 0) break;
  }
  return std::nullopt;
}

std::optional<RecordIndex::Entry> RecordIndex::at(format::Offset offset) const noexcept {
  if (offset < directory_ || (offset - directory_) / kGranule >= granules_.size()) {
    return std::nullopt;
  }
  const auto found = last_before(offset);
  return found && found->offset == offset ? found : std::nullopt;
}

bool RecordIndex::set(const Entry& entry) {
  const std::uint64_t g = (entry.offset - directory_) / kGranule;
  if (g >= granules_.size()) granules_.resize(g + 1);
  const std::uint32_t word = packed(entry, directory_);
  if (granules_[g] != 0 && granules_[g] % kPlaces != word % kPlaces) return false;
  granules_[g] = word;
  return true;
}

bool RecordIndex::claim_cells(const format::SeriesView& s) {
  if (s.cell_count == 0) return true;
  const std::uint64_t end = s.end_cell();
  if (end > most_cells_) return false;
  if (end > cells_.size()) cells_.resize(end);
  const auto at = [&](std::uint64_t cell) {
    return cells_.begin() + static_cast<std::ptrdiff_t>(cell);
  };
  if (std::find(at(s.first_cell), at(end), true) != at(end)) return false;
  std::fill(at(s.first_cell), at(end), true);
  return true;
}

// Remembers the room for a series' strings, unless that lies in its own record.
bool RecordIndex::claim_room(const format::SeriesView& s, std::uint32_t series,
                             const format::Window& records) {
  const auto* record = records.at<format::SeriesRecord>(s.offset);
  const format::Offset begin = record->strings;
  const std::uint64_t end = begin + record->room;
  const bool is_own = begin >= s.offset && end <= s.offset + record->record.bytes;
  if (record->room == 0 || is_own) return true;
  const auto next = strangers_.upper_bound(begin);
  if (next != strangers_.end() && next->first < end) return false;
  if (next != strangers_.begin() && std::prev(next)->second.end > begin) return false;
  strangers_[begin] = {end, series};
  rooms_[series] = begin;
  return true;
}

bool RecordIndex::admit(const Contents& contents, std::uint32_t series,
                        const format::Window& records) {
  const format::SeriesView& s = contents.series[series];
  if (!claim_room(s, series, records)) return false;
  if (!identities_.insert(contents.series, series)) return false;
  return claim_cells(s);
}

void RecordIndex::retract(const Contents& contents, std::uint32_t series) {
  const format::SeriesView& s = contents.series[series];
  identities_.erase(series);
  if (s.cell_count > 0) {
    std::fill(cells_.begin() + static_cast<std::ptrdiff_t>(s.first_cell),
              cells_.begin() + static_cast<std::ptrdiff_t>(s.end_cell()), false);
  }
  if (const auto room = rooms_.find(series); room != rooms_.end()) {
    strangers_.erase(room->second);
    rooms_.erase(room);
  }
}

std::optional<std::uint32_t> RecordIndex::stranger_at(format::Offset offset) const noexcept {
  const auto after = strangers_.upper_bound(offset + sizeof(std::uint64_t) - 1);
  if (after == strangers_.begin()) return std::nullopt;
  const auto& room = std::prev(after)->second;
  return room.end > offset ? std::optional(room.series) : std::nullopt;
}

std::uint64_t RecordIndex::end_of_cells() {
  while (!cells_.empty() && !cells_.back()) cells_.pop_back();
  return cells_.size();
}

}  // namespace metrics::reader
