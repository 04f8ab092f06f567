#include "libmetrics/reader/directory_changes.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

namespace metrics::reader {
namespace {

using format::FamilyRecord;
using format::Offset;
using format::Record;
using format::SeriesRecord;
constexpr std::uint64_t kWords = kBlock / format::kWord;

}  // namespace

DirectoryChanges::DirectoryChanges(Catalogue& catalogue, RecordIndex& index,
                                   std::set<Offset>& unsettled, Copy copy)
    : catalogue_(catalogue), index_(index), unsettled_(unsettled), copy_(std::move(copy)) {}

format::Window DirectoryChanges::window() const {
  return window_of(catalogue_.records, catalogue_.geometry.index);
}

std::uint64_t& DirectoryChanges::word(Offset offset) {
  return catalogue_.records[(offset - catalogue_.geometry.index) / format::kWord];
}

std::uint64_t DirectoryChanges::block_of(Offset offset) const noexcept {
  return (offset - catalogue_.geometry.index) / kBlock;
}

bool DirectoryChanges::is_copied(std::uint64_t block) const {
  return std::ranges::binary_search(blocks_, block);
}

const DirectoryChanges::Word* DirectoryChanges::changed_word(Offset offset) const {
  const auto found = std::ranges::lower_bound(words_, offset, {}, &Word::offset);
  return found != words_.end() && found->offset == offset ? &*found : nullptr;
}

// Returns the word of the first copy; what was not copied again is the same in both.
std::uint64_t DirectoryChanges::first_copy(Offset offset) const {
  const Word* changed = changed_word(offset);
  if (changed != nullptr) return changed->first;
  return catalogue_.records[(offset - catalogue_.geometry.index) / format::kWord];
}

// Returns the word that stood there before.
std::uint64_t DirectoryChanges::before(Offset offset) const {
  const Word* changed = changed_word(offset);
  if (changed != nullptr) return changed->before;
  return catalogue_.records[(offset - catalogue_.geometry.index) / format::kWord];
}

std::span<std::uint64_t> DirectoryChanges::part(std::uint32_t block) {
  const std::uint64_t begin = block * kWords;
  const std::uint64_t end = std::min<std::uint64_t>(begin + kWords, catalogue_.records.size());
  return std::span(catalogue_.records).subspan(begin, end - begin);
}

bool DirectoryChanges::copy_part(std::uint32_t block, std::vector<std::uint64_t>& to) {
  const std::uint64_t bytes = part(block).size_bytes();
  unreadable_ = unreadable_ || !copy_(catalogue_.geometry.index + block * kBlock, bytes, to.data());
  return !unreadable_;
}

// Copies blocks twice, all of them once before any of them again: see contents().
bool DirectoryChanges::fetch(std::span<const std::uint32_t> numbers) {
  std::vector<std::uint64_t> copy(kWords);
  // Calls visit(offset, word that is there, copied word) for each word of the blocks.
  const auto each_word = [&](auto visit) {
    return std::ranges::all_of(numbers, [&](std::uint32_t number) {
      if (!copy_part(number, copy)) return false;
      Offset offset = catalogue_.geometry.index + number * kBlock;
      for (std::size_t i = 0; std::uint64_t & there : part(number)) {
        visit(offset, there, copy[i++]);
        offset += format::kWord;
      }
      return true;
    });
  };
  // Most changes are those of new series, each with some twenty words and a link.
  constexpr std::size_t kLikely = 32;  // words of a block
  std::vector<Word> first, changed;
  first.reserve(numbers.size() * kLikely);
  const bool is_first = each_word([&](Offset offset, std::uint64_t there, std::uint64_t now) {
    if (now != there) first.push_back({offset, there, now});
  });
  changed.reserve(first.size());
  auto next = first.begin();
  const bool is_second =
      is_first && each_word([&](Offset offset, std::uint64_t& there, std::uint64_t now) {
        const bool was_other = next != first.end() && next->offset == offset;
        if (!was_other && now == there) return;
        changed.push_back(was_other ? *next++ : Word{offset, there, there});
        there = now;
      });
  if (!is_second) return false;
  for (const Word& word : changed) {
    if (else_) break;
    change(word.offset, word.before, word.first);
  }
  const auto add = [](auto& all, const auto& more, auto by) {
    const auto old = static_cast<std::ptrdiff_t>(all.size());
    all.insert(all.end(), more.begin(), more.end());
    std::ranges::inplace_merge(all, all.begin() + old, {}, by);
  };
  add(blocks_, numbers, std::identity());
  if (words_.empty()) {
    words_ = std::move(changed);
  } else {
    add(words_, changed, &Word::offset);
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
  for (std::uint64_t n = block_of(offset); index + n * kBlock < offset + bytes; ++n) {
    if (!is_copied(n)) numbers.insert(static_cast<std::uint32_t>(n));
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
  word(offset) = before;
  if (first == before) return;
  if (before != 0) {
    else_ = true;
    return;
  }
  word(offset) = first;
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
  const Offset offset = word(link);
  const Offset end = window().last();
  if (offset >= end && offset < g.directory + g.directory_bytes) {
    word(link) = 0;  // it leads behind the copy, and is found again
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
  word(next) = first_copy(next);
  if (word(next) != 0) links_.push_back(next);
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
    known = blocks_.size();
    while (!links_.empty() && !else_) {
      const Offset link = links_.back();
      links_.pop_back();
      if (!follow(link)) return false;
    }
    if (else_ || !fetch_series()) return false;
  } while (blocks_.size() != known || !links_.empty());
  return true;
}

bool DirectoryChanges::is_live(Offset offset) const {
  const auto* record = window().at<Record>(offset);
  return reader::is_live(first_copy(offset + offsetof(Record, state)),
                         record->state.load(std::memory_order_relaxed));
}

// Returns true if both copies have the same in those bytes.
bool DirectoryChanges::is_alike(Offset offset, std::uint64_t bytes) const {
  const Offset begin = offset / format::kWord * format::kWord;
  for (auto changed = std::ranges::lower_bound(words_, begin, {}, &Word::offset);
       changed != words_.end() && changed->offset < offset + bytes; ++changed) {
    const std::uint64_t i = (changed->offset - catalogue_.geometry.index) / format::kWord;
    if (changed->first != catalogue_.records[i]) return false;
  }
  return true;
}

bool DirectoryChanges::is_described_alike(Offset offset) const {
  return reader::is_described_alike(
      window(), offset, [this](Offset first, std::uint64_t size) { return is_alike(first, size); });
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
    const auto room = static_cast<std::uint32_t>(before(offset + offsetof(SeriesRecord, room)));
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
