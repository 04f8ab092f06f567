#include "libmetrics/reader/verify_directory.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <tuple>
#include <utility>

#include "libmetrics/format/editions.h"
#include "libmetrics/reader/contents.h"

namespace metrics::reader {
namespace {

using format::Kind;
using format::Offset;
using format::Record;
using format::SeriesRecord;

constexpr std::uint64_t kPiece = 64 << 10;  // bytes that are copied at once

// Reports ranges, in the order in which they begin, that share anything with the one before, or do
// not end within the first `used`.
class RangeCheck {
 public:
  RangeCheck(std::uint64_t used, std::string what, Faults& faults)
      : used_(used), what_(std::move(what)), faults_(faults) {}

  void add(std::uint64_t begin, std::uint64_t end, Offset owner) {
    const auto fault = [&](const std::string& why) {
      add_fault(faults_, "record at " + std::to_string(owner) + why);
    };
    if (end > used_) fault(" has " + what_ + " beyond those in use");
    if (begin < end_) {
      fault(" shares " + what_ + " with the record at " + std::to_string(last_owner_));
    }
    end_ = end;
    last_owner_ = owner;
  }

 private:
  const std::uint64_t used_;
  const std::string what_;
  Faults& faults_;
  std::uint64_t end_ = 0;
  Offset last_owner_ = 0;
};

}  // namespace

VerifiedDirectory::VerifiedDirectory(Reader& reader, Faults& faults)
    : reader_(reader),
      faults_(faults),
      geometry_(reader.geometry()),
      copy_((geometry_.directory - geometry_.index + reader.usage().directory_used) /
            format::kWord),
      records_(reinterpret_cast<const std::byte*>(copy_.data()), geometry_.index,
               geometry_.index + copy_.size() * format::kWord),
      directory_(directory_in(records_, geometry_)),
      linked_(geometry_.directory, reader.usage().directory_used),
      differs_(geometry_.directory, reader.usage().directory_used),
      kept_(geometry_.directory, reader.usage().directory_used),
      idle_(geometry_.directory, reader.usage().directory_used) {
  if (!copy_links()) return;
  follow_links();
  is_read_ = copy_records();
  if (!is_read_) return;
  check_records();
  check_identities();
  check_shared_cells();
  check_ranges();
}

// Makes the first copy, in which links are followed.
bool VerifiedDirectory::copy_links() {
  for (Offset at = geometry_.index; at < records_.last();) {
    const auto written = reader_.written_from(at);
    if (!written || *written >= records_.last()) break;
    at = *written / format::kWord * format::kWord;
    const std::uint64_t bytes = std::min(kPiece, records_.last() - at);
    if (!reader_.copy(at, bytes, &word(at))) return false;
    at += bytes;
  }
  // Holes up to the end, or no file any more.
  std::byte last;
  return reader_.copy(records_.last() - 1, 1, &last);
}

void VerifiedDirectory::follow_links() {
  for (std::uint64_t i = 0; i < geometry_.index_buckets; ++i) {
    const auto* link = records_.at<format::Link>(geometry_.index + i * sizeof(format::Chain));
    while (link != nullptr) {
      const Offset offset = link->load(std::memory_order_relaxed);
      if (offset == 0) break;
      // A link beyond the copy was stored later.
      const Offset end = geometry_.directory + geometry_.directory_bytes;
      if (offset >= records_.last() && offset < end) break;
      const auto* record = directory_.at<Record>(offset);
      if (record == nullptr || linked_.at(offset)) {
        add_fault(faults_, "chain " + std::to_string(i) + " leads to " + std::to_string(offset) +
                               (record == nullptr ? ", outside" : ", where a chain has been"));
        break;
      }
      linked_.set(offset);
      link = &record->next;
    }
  }
}

// Makes the second copy in the place of the first one, but for its links; see contents().
bool VerifiedDirectory::copy_records() {
  std::vector<std::uint64_t> piece(kPiece / format::kWord);
  for (Offset at = geometry_.directory; at < records_.last();) {
    const auto written = reader_.written_from(at);
    if (!written || *written >= records_.last()) break;
    at = *written / format::kWord * format::kWord;
    const std::uint64_t bytes = std::min(kPiece, records_.last() - at);
    if (!reader_.copy(at, bytes, piece.data())) return false;
    take_piece(at, bytes, piece.data());
    at += bytes;
  }
  return true;
}

void VerifiedDirectory::take_piece(Offset at, std::uint64_t bytes, const std::uint64_t* now) {
  if (std::memcmp(&word(at), now, bytes) == 0) return;
  for (std::uint64_t i = 0; i < bytes / format::kWord; ++i) {
    const Offset offset = at + i * format::kWord;
    if (word(offset) == now[i]) continue;
    static_assert(offsetof(Record, next) == 0);
    if (linked_.at(offset)) continue;  // its link
    word(offset) = now[i];
    differs_.set(offset);
    any_differs_ = true;
  }
}

// Returns true if a series' record was one and the same live series in both copies.
bool VerifiedDirectory::is_live(Offset offset) const {
  const Offset state = offset + offsetof(Record, state);
  const std::uint64_t now = records_.at<Record>(offset)->state.load(std::memory_order_relaxed);
  return format::state_of(now) == format::State::kLive && !differs_.at(state) &&
         is_described_alike(offset);
}

bool VerifiedDirectory::is_described_alike(Offset offset) const {
  return !any_differs_ || directory_.at<SeriesRecord>(offset) == nullptr ||
         reader::is_described_alike(directory_, offset, [this](Offset first, std::uint64_t size) {
           return !differs_.any(first, size);
         });
}

// Looks at families first: a series may stand before the record of its family.
void VerifiedDirectory::check_records() {
  // How many bytes of records may still be read: records that overlap could be many long ones in
  // little space.
  std::uint64_t left = 2 * (records_.last() - std::min(records_.last(), geometry_.directory));
  bool is_over = false;
  const auto admits = [&](Offset offset, const Record& record) {
    if (is_over) return false;
    // Only the fixed part is read of a record whose size reaches beyond the copy.
    const bool fits = record.bytes <= records_.last() - offset;
    std::uint64_t bytes = std::max<std::uint64_t>(fits ? record.bytes : 0, sizeof(Record));
    // Strings may stand outside of their record, and many records might claim the same ones.
    const auto* series = directory_.at<SeriesRecord>(offset);
    if (record.kind == Kind::kSeries && series != nullptr &&
        format::state_of(record.state.load(std::memory_order_relaxed)) == format::State::kLive &&
        !directory_.bytes(series->strings, series->room).empty()) {
      bytes = std::max<std::uint64_t>(bytes, series->room);
    }
    is_over = bytes > left;
    if (is_over) fault_at(offset, "has more bytes than there are, with those before it");
    left -= is_over ? 0 : bytes;
    return !is_over;
  };
  each_record([&](Offset offset, const Record& record) {
    if (record.kind == Kind::kFamily && admits(offset, record)) check_family(offset);
  });
  std::unordered_set<std::string, Seeded> definitions;
  each_record([&](Offset offset, const Record&) {
    const auto family = families_.find(offset);
    if (family == families_.end() || definitions.insert(format::described(family->second)).second) {
      return;
    }
    fault_at(offset, "has the same definition as another family \"" +
                         std::string(family->second.name) + '"');
    kept_.set(offset, false);
    families_.erase(family);
  });
  each_record([&](Offset offset, const Record& record) {
    if (record.kind != Kind::kSeries || !admits(offset, record)) return;
    if (is_live(offset)) {
      check_series(offset);
    } else if (directory_.at<SeriesRecord>(offset) != nullptr) {
      idle_.set(offset);
    }
  });
}

void VerifiedDirectory::check_family(Offset offset) {
  std::string why;
  if (auto family = format::family_at(directory_, offset, &why)) {
    families_.emplace(offset, std::move(*family));
    kept_.set(offset);
  } else if (why.empty()) {
    unknown_.insert(offset);
  } else {
    add_fault(faults_, std::move(why));
  }
}

void VerifiedDirectory::check_series(Offset offset) {
  std::string why;
  const auto series = format::series_at(directory_, offset, &why);
  if (!series) return add_fault(faults_, std::move(why));
  if (unknown_.contains(series->family)) return;
  const auto family = families_.find(series->family);
  if (family == families_.end()) return fault_at(offset, "is a series of no family");
  why = fault_of(family->second, *series, geometry_);
  if (!why.empty()) return fault_at(offset, why);
  kept_.set(offset);
  ++series_;
}

// Finds series that have the same labels. Of the hashes only a part is kept: those few that are
// the same by chance are told apart by what they are made of.
void VerifiedDirectory::check_identities() {
  struct Entry {
    std::uint32_t hash;
    RecordNumber record;
  };
  std::vector<Entry> entries;
  entries.reserve(series_);
  each_series([&](Offset offset) {
    const auto series = format::series_at(directory_, offset, nullptr);
    const std::uint64_t hash =
        format::series_hash(format::strings_hash(series->strings, seed()), series->family, seed());
    entries.push_back({static_cast<std::uint32_t>(hash >> 32), number_of(offset)});
  });
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.hash, a.record) < std::tie(b.hash, b.record);
  });
  const auto is_second = [&](std::size_t i) {
    const auto one = format::series_at(directory_, offset_of(entries[i].record), nullptr);
    for (std::size_t k = i; k > 0 && entries[k - 1].hash == entries[i].hash; --k) {
      const Offset before = offset_of(entries[k - 1].record);
      const auto other = format::series_at(directory_, before, nullptr);
      if (other->family == one->family && other->strings == one->strings) return true;
    }
    return false;
  };
  for (std::size_t i = 1; i < entries.size() && !is_full(faults_); ++i) {
    if (entries[i - 1].hash != entries[i].hash || !is_second(i)) continue;
    const Offset offset = offset_of(entries[i].record);
    fault_at(offset, "is a second series with the same labels");
    kept_.set(offset, false);
  }
}

// Finds series with a cell that is another one's, too; and those whose room for cells overlaps.
void VerifiedDirectory::check_shared_cells() {
  struct Cells {
    std::uint64_t first, end;
    RecordNumber record;
  };
  std::vector<Cells> all;
  all.reserve(series_);
  each_series([&](Offset offset) {
    auto series = format::series_at(directory_, offset, nullptr);
    mend_places(families_.at(series->family), *series, geometry_);
    if (series->cell_count > 0) {
      all.push_back({series->first_cell, series->end_cell(), number_of(offset)});
    }
  });
  std::sort(all.begin(), all.end(), [](const Cells& a, const Cells& b) {
    return std::tie(a.first, a.record) < std::tie(b.first, b.record);
  });
  RangeCheck rooms(geometry_.cells, "cells", faults_);
  std::uint64_t end = 0;
  RecordNumber owner = 0;
  for (const Cells& cells : all) {
    const Offset offset = offset_of(cells.record);
    if (cells.first < end) {
      fault_at(offset, "shares cells with the record at " + std::to_string(offset_of(owner)));
      kept_.set(offset, false);
      continue;
    }
    end = cells.end;
    owner = cells.record;
    // Cells may have been reserved after the header was copied, so the bound is the capacity.
    rooms.add(cells.first, cells.first + directory_.at<SeriesRecord>(offset)->cells_room, offset);
  }
}

// Checks the bytes of records and strings. Only live series have strings to themselves; those of
// others go from hand to hand.
void VerifiedDirectory::check_ranges() {
  const std::uint64_t used = geometry_.directory + reader_.usage().directory_used;
  struct Room {
    Offset begin;
    RecordNumber record;
  };
  std::vector<Room> rooms;
  rooms.reserve(series_);
  RangeCheck bytes(used, "bytes", faults_);
  each_record([&](Offset offset, const Record& record) {
    if (!kept_.at(offset) && !idle_.at(offset)) return;
    bytes.add(offset, offset + record.bytes, offset);
    if (idle_.at(offset) || record.kind != Kind::kSeries) return;
    const auto* series = directory_.at<SeriesRecord>(offset);
    if (series->room > 0) rooms.push_back({series->strings, number_of(offset)});
  });
  std::sort(rooms.begin(), rooms.end(), [](const Room& a, const Room& b) {
    return std::tie(a.begin, a.record) < std::tie(b.begin, b.record);
  });
  RangeCheck strings(used, "strings", faults_);
  for (const Room& room : rooms) {
    const Offset offset = offset_of(room.record);
    strings.add(room.begin, room.begin + directory_.at<SeriesRecord>(offset)->room, offset);
  }
}

}  // namespace metrics::reader
