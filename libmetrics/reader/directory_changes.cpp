#include "libmetrics/reader/directory_changes.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace metrics::reader {
namespace {

using format::FamilyRecord;
using format::Offset;
using format::Record;
using format::SeriesRecord;

}  // namespace

DirectoryChanges::DirectoryChanges(Catalogue& catalogue, RecordIndex& index,
                                   std::set<Offset>& unsettled, BlockCopies::Copy copy)
    : catalogue_(catalogue),
      index_(index),
      unsettled_(unsettled),
      copies_(catalogue.records, catalogue.geometry.index, std::move(copy)) {}

format::Window DirectoryChanges::window() const {
  return window_of(catalogue_.records, catalogue_.geometry.index);
}

// Copies blocks twice, and looks at what has changed.
bool DirectoryChanges::fetch(std::span<const std::uint32_t> numbers) {
  const auto changed = copies_.fetch(numbers);
  unreadable_ = !changed;
  if (unreadable_) return false;
  for (const BlockCopies::Word& word : *changed) {
    if (else_) break;
    change(word.offset, word.before, word.first);
  }
  return true;
}

// Adds those blocks in which these bytes lie and that were not copied yet. Returns false if they
// are not in the directory.
bool DirectoryChanges::add_missing(Offset offset, std::uint64_t bytes,
                                   std::set<std::uint32_t>& numbers) const {
  const Offset index = catalogue_.geometry.index;
  const Offset end = window().last();
  if (offset < index || offset > end || bytes > end - offset) return false;
  for (std::uint64_t n = copies_.block_of(offset); index + n * kBlock < offset + bytes; ++n) {
    if (!copies_.has(n)) numbers.insert(static_cast<std::uint32_t>(n));
  }
  return true;
}

void DirectoryChanges::change(Offset offset, std::uint64_t before, std::uint64_t first) {
  const format::Geometry& g = catalogue_.geometry;
  if (offset < g.directory) {
    const std::uint64_t at = offset - g.index;
    const bool is_link = at < g.index_buckets * sizeof(format::Chain) &&
                         at % sizeof(format::Chain) == offsetof(format::Chain, first);
    if (is_link) change_link(offset, before, first);
    return;
  }
  const auto record = index_.last_before(offset);
  if (!record) return;
  if (offset == record->offset + offsetof(Record, next)) return change_link(offset, before, first);
  change_of_record(*record, offset);
}

// A link that only the second copy has is followed the next time: what it leads to may not have
// been there yet when that was copied.
void DirectoryChanges::change_link(Offset offset, std::uint64_t before, std::uint64_t first) {
  copies_.word(offset) = before;
  if (first == before) return;
  if (before != 0) {
    else_ = true;
    return;
  }
  copies_.word(offset) = first;
  links_.push_back(offset);
}

void DirectoryChanges::change_of_record(const RecordIndex::Entry& record, Offset offset) {
  const std::uint64_t at = offset - record.offset;
  if (record.kind == RecordIndex::Kind::kFamily) {
    const bool is_cell =
        at == offsetof(FamilyRecord, opened) || at == offsetof(FamilyRecord, refusals) ||
        at == offsetof(FamilyRecord, series_used) || at == offsetof(FamilyRecord, overflow);
    if (is_cell) {
      families_.insert(record.offset);
    } else if (at < std::max<std::uint64_t>(sizeof(FamilyRecord),
                                            window().at<Record>(record.offset)->bytes)) {
      else_ = true;
    }
  } else if (at == offsetof(Record, bytes)) {  // with kind and fixed part; they never change
    else_ = true;
  } else if (at >= sizeof(SeriesRecord)) {
    texts_.push_back(offset);
  } else if (at != offsetof(SeriesRecord, holder)) {
    series_.insert(record.offset);
  }
}

// Adds the record that a word leads to, and those that follow it.
bool DirectoryChanges::follow(Offset link) {
  const format::Geometry& g = catalogue_.geometry;
  const Offset offset = copies_.word(link);
  const Offset end = window().last();
  if (offset >= end && offset < g.directory + g.directory_bytes) {
    copies_.word(link) = 0;  // it leads behind the copy, and is found again
    return true;
  }
  if (offset % alignof(Record) != 0 || offset < g.directory || end - offset < sizeof(Record) ||
      index_.at(offset)) {
    return false;
  }
  std::set<std::uint32_t> missing;
  if (!add_missing(offset, sizeof(Record), missing)) return false;
  const std::vector<std::uint32_t> numbers(missing.begin(), missing.end());
  if (!fetch(numbers)) return false;
  const auto* record = window().at<Record>(offset);
  if (record->kind != format::Kind::kSeries || window().at<SeriesRecord>(offset) == nullptr) {
    return false;
  }
  if (!index_.set({offset, RecordIndex::Kind::kIdle, 0})) return false;
  index_.add_record_bytes(counted_bytes(window(), offset, false));
  idle_.insert(offset);
  series_.insert(offset);
  const Offset next = offset + offsetof(Record, next);
  copies_.word(next) = copies_.first(next);
  if (copies_.word(next) != 0) links_.push_back(next);
  return true;
}

// Copies all of the series to look at: what a record holds was there before its state was, but the
// blocks of it may have been compared before either.
bool DirectoryChanges::fetch_series() {
  std::set<std::uint32_t> missing;
  // Many records might claim the same strings; see contents(), which bounds what that costs.
  std::uint64_t left = 2 * (window().last() - catalogue_.geometry.directory);
  for (const Offset offset : series_) {
    if (!add_missing(offset, sizeof(SeriesRecord), missing)) return false;
    if (!is_live(offset)) continue;
    const auto* series = window().at<SeriesRecord>(offset);
    if (series->room > left) return false;
    left -= series->room;
    add_missing(series->strings, series->room, missing);  // admit() sees what is not there
  }
  const std::vector<std::uint32_t> numbers(missing.begin(), missing.end());
  return fetch(numbers);
}

// Finds all that has changed, and copies it.
bool DirectoryChanges::gather() {
  std::size_t known = 0;
  do {
    known = copies_.count();
    while (!links_.empty() && !else_) {
      const Offset link = links_.back();
      links_.pop_back();
      if (!follow(link)) return false;
    }
    if (else_ || !fetch_series()) return false;
  } while (copies_.count() != known || !links_.empty());
  return true;
}

bool DirectoryChanges::is_live(Offset offset) const {
  const auto* record = window().at<Record>(offset);
  return reader::is_live(copies_.first(offset + offsetof(Record, state)),
                         record->state.load(std::memory_order_relaxed));
}

bool DirectoryChanges::is_described_alike(Offset offset) const {
  return reader::is_described_alike(window(), offset, [this](Offset first, std::uint64_t size) {
    return copies_.are_alike(first, size);
  });
}

// Takes out the series that were there, before any is put in: one may have the cells of another.
bool DirectoryChanges::retract() {
  Contents& contents = catalogue_.contents;
  const SumCosts costs(contents, catalogue_.groups);
  for (const Offset offset : series_) {
    const auto entry = index_.at(offset);
    if (!entry) return false;
    if (entry->kind != RecordIndex::Kind::kSeries) continue;
    format::SeriesView& s = contents.series[entry->number];
    const std::uint64_t bytes = counted_bytes(window(), offset, false);
    const auto room =
        static_cast<std::uint32_t>(copies_.before(offset + offsetof(SeriesRecord, room)));
    index_.subtract_record_bytes(std::max<std::uint64_t>(bytes, room));
    index_.add_record_bytes(bytes);
    index_.retract(contents, entry->number);
    catalogue_.cost_of_sums -= costs.of(s);
    changed_[entry->number] = {entry->number, s.offset, s.first_cell};
    s = {};
    s.state = format::word_of(format::State::kTaken, 0);
    contents.gaps.push_back(entry->number);
    index_.set({offset, RecordIndex::Kind::kIdle, 0});
    idle_.insert(offset);
  }
  return true;
}

bool DirectoryChanges::admit() {
  const SumCosts costs(catalogue_.contents, catalogue_.groups);
  return std::ranges::all_of(series_, [&](Offset offset) {
    // settle() remembers one that is live, but was not described alike.
    return !is_live(offset) || !is_described_alike(offset) || admit(offset, costs);
  });
}

bool DirectoryChanges::admit(Offset offset, const SumCosts& costs) {
  Contents& contents = catalogue_.contents;
  auto series = format::series_at(directory_in(window(), catalogue_.geometry), offset, nullptr);
  if (!series) return false;
  const auto family = index_.at(series->family);
  if (!family || family->kind != RecordIndex::Kind::kFamily) return false;
  const format::FamilyView& f = contents.families[family->number];
  if (!fault_of(f, *series, catalogue_.geometry).empty()) return false;
  mend_places(f, *series, catalogue_.geometry);
  index_.subtract_record_bytes(counted_bytes(window(), offset, false));
  index_.add_record_bytes(counted_bytes(window(), offset, true));
  auto place = static_cast<std::uint32_t>(contents.series.size());
  if (contents.gaps.empty()) {
    contents.series.emplace_back();
  } else {
    place = contents.gaps.back();
    contents.gaps.pop_back();
  }
  contents.series[place] = *series;
  if (!index_.set({offset, RecordIndex::Kind::kSeries, place}) ||
      !index_.admit(contents, place, window())) {
    return false;
  }
  catalogue_.cost_of_sums += costs.of(contents.series[place]);
  changed_.try_emplace(place, Catalogue::Change{place, 0, 0});
  if (idle_.erase(offset) == 0) live_.insert(offset);
  return true;
}

// Returns true if no live series has that word in its strings, or its record has changed, too.
bool DirectoryChanges::is_explained(Offset text) const {
  const auto& series = catalogue_.contents.series;
  const auto unchanged = [&](std::uint32_t number) {
    const auto* record = window().at<SeriesRecord>(series[number].offset);
    return !series_.contains(series[number].offset) && text < record->strings + record->room &&
           text + format::kWord > record->strings;
  };
  const auto record = index_.last_before(text);
  if (record && record->kind == RecordIndex::Kind::kSeries && unchanged(record->number)) {
    return false;
  }
  const auto stranger = index_.stranger_at(text);
  return !stranger || !unchanged(*stranger);
}

// Takes the families' words that processes change.
bool DirectoryChanges::take_families() {
  auto& families = catalogue_.contents.families;
  bool opened = false;
  for (const Offset offset : families_) {
    const auto entry = index_.at(offset);
    if (!entry || entry->kind != RecordIndex::Kind::kFamily) return false;
    const auto* record = window().at<FamilyRecord>(offset);
    format::FamilyView& f = families[entry->number];
    f.refusals = record->refusals.load(std::memory_order_relaxed);
    const Offset overflow = record->overflow.load(std::memory_order_relaxed);
    const std::uint64_t last = record->opened.load(std::memory_order_relaxed);
    is_shown_otherwise_ = is_shown_otherwise_ || overflow != f.overflow;
    opened = opened || last != f.opened;
    f.overflow = overflow;
    f.opened = last;
  }
  if (!opened) return true;
  std::vector<format::Group> groups = format::grouped(families);
  if (groups == catalogue_.groups) return true;
  is_shown_otherwise_ = true;
  catalogue_.groups = std::move(groups);
  catalogue_.cost_of_sums = SumCosts(catalogue_.contents, catalogue_.groups).of_all();
  return true;
}

// Keeps the list of idle records, and those to look at again.
void DirectoryChanges::settle() {
  auto& idle = catalogue_.contents.idle;
  if (!live_.empty()) std::erase_if(idle, [&](Offset offset) { return live_.contains(offset); });
  const auto old = static_cast<std::ptrdiff_t>(idle.size());
  idle.insert(idle.end(), idle_.begin(), idle_.end());
  std::inplace_merge(idle.begin(), idle.begin() + old, idle.end());
  unsettled_.clear();
  for (const Offset offset : series_) {
    const auto* record = window().at<Record>(offset);
    const std::uint64_t state = record->state.load(std::memory_order_relaxed);
    const bool is_idle = index_.at(offset)->kind == RecordIndex::Kind::kIdle;
    if (is_idle && format::state_of(state) == format::State::kLive) unsettled_.insert(offset);
  }
  catalogue_.cells = index_.end_of_cells();
}

DirectoryChanges::Outcome DirectoryChanges::take(std::span<const std::uint32_t> different) {
  series_ = unsettled_;
  const bool fine = fetch(different) && gather() && retract() && admit() && take_families() &&
                    std::ranges::all_of(texts_, [&](Offset o) { return is_explained(o); });
  if (unreadable_) return Outcome::kUnreadable;
  const std::uint64_t used = window().last() - catalogue_.geometry.directory;
  if (!fine || else_ || index_.record_bytes() > 2 * used) return Outcome::kElse;
  settle();
  const bool same = changed_.empty() && idle_.empty() && live_.empty() && !is_shown_otherwise_;
  if (same) return Outcome::kSame;
  catalogue_.changed.clear();
  for (const auto& [place, change] : changed_) catalogue_.changed.push_back(change);
  return is_shown_otherwise_ ? Outcome::kShownOtherwise : Outcome::kChanged;
}

}  // namespace metrics::reader
