#include "libmetrics/setup/directory.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "libmetrics/format/clock.h"
#include "libmetrics/format/editions.h"
#include "libmetrics/format/error.h"
#include "libmetrics/setup/series_count.h"
#include "libmetrics/update/drops.h"
#include "libmetrics/update/process.h"

namespace metrics::setup {
namespace {

using format::Kind;
using format::Record;
using format::SeriesRecord;
using format::State;

// Raises the word to `value` if that is larger.
void raise(format::Cell& word, std::uint64_t value) noexcept {
  std::uint64_t seen = word.load(std::memory_order_relaxed);
  while (seen < value && !word.compare_exchange_weak(seen, value, std::memory_order_relaxed,
                                                     std::memory_order_relaxed)) {
  }
}

// Returns the label values that show in another edition what these show in `definition`: labels
// have no order, and an empty value is the same as no label. Empty if the other edition can't show
// that. An info's names and values stand in its series, so they are the same in all editions.
std::optional<std::vector<std::string>> strings_in(const format::FamilyView& edition,
                                                   const format::Definition& definition,
                                                   std::span<const std::string> strings) {
  if (format::values_of(definition.type) == format::Values::kInfo) {
    return std::vector<std::string>(strings.begin(), strings.end());
  }
  std::vector<std::string> theirs(edition.labels.size());
  for (std::size_t i = 0; i < strings.size(); ++i) {
    if (strings[i].empty()) continue;
    const auto label =
        std::find(edition.labels.begin(), edition.labels.end(), definition.labels[i]);
    if (label == edition.labels.end()) return std::nullopt;
    theirs[static_cast<std::size_t>(label - edition.labels.begin())] = strings[i];
  }
  return theirs;
}

// Adds to the word what fits, and returns what it was before. Not by adding first and looking then:
// a registrant that is refused must not take of what is kept for others.
template <class Fits>
std::optional<std::uint64_t> reserved(format::Cell& used, std::uint64_t more, Fits fits) {
  std::uint64_t before = used.load(std::memory_order_relaxed);
  do {
    if (!fits(before)) return std::nullopt;
  } while (!used.compare_exchange_weak(before, before + more, std::memory_order_relaxed,
                                       std::memory_order_relaxed));
  return before;
}

bool has_overflow(const format::FamilyView& family) noexcept {
  return format::has_overflow(family.type, family.labels.size(), family.max_series);
}

// Parts of the message that something is full: for which families it is, and what to do.
std::string for_whom(std::uint64_t kept) {
  return kept == 0 ? ""
                   : " for families with more than " + std::to_string(format::kFewSeries) +
                         " series: the last eighth is kept for those with few";
}
std::string advice(std::uint64_t kept) {
  return std::string("use fewer label values, ") +
         (kept == 0 ? "" : "give the family a max_series, beyond which it counts in one series, ") +
         "or create the segment anew with a larger ";
}

}  // namespace

bool Directory::is_live(const Record& record) noexcept {
  return format::state_of(record.state.load(std::memory_order_relaxed)) == State::kLive;
}

bool Directory::has_strings(format::Offset offset, format::Offset family,
                            std::span<const std::string> strings) const {
  const auto there = format::series_at(window_, offset, nullptr);
  return there && there->family == family &&
         std::equal(there->strings.begin(), there->strings.end(), strings.begin(), strings.end());
}

// The state is looked at before anything is parsed, and afterwards once more: the record may have
// become another one's meanwhile.
bool Directory::is_series(format::Offset offset, format::Offset family,
                          std::span<const std::string> strings) const {
  const auto* record = window_.at<Record>(offset);
  if (record == nullptr) return false;
  const std::uint64_t state = record->state.load(std::memory_order_acquire);
  if (format::state_of(state) != format::State::kLive || !has_strings(offset, family, strings)) {
    return false;
  }
  // A change by nothing: its release keeps the loads of the strings before it. A fence would, too,
  // but ThreadSanitizer does not know fences.
  return const_cast<format::Cell&>(record->state).fetch_or(0, std::memory_order_acq_rel) == state;
}

Directory::Directory(const update::Segment& segment) noexcept
    : segment_(segment), window_(segment.base(), 0, segment.geometry().shared_bytes()) {}

format::Chain& Directory::chain(std::uint64_t hash) const noexcept {
  const format::Geometry& g = segment_.geometry();
  const format::Offset offset = g.index + (hash & (g.index_buckets - 1)) * sizeof(format::Chain);
  return *reinterpret_cast<format::Chain*>(segment_.base() + offset);
}

// Returns false for a file of version 2.0, whose programs know nothing of the words that came
// later: nothing is used again in it, and FamilyRecord::series_used doesn't count.
bool Directory::may_reuse() const noexcept {
  return (segment_.header().writer_features & format::kReuse) != 0;
}

format::FamilyRecord& Directory::family_record(format::Offset family) const noexcept {
  return const_cast<format::FamilyRecord&>(*window_.at<format::FamilyRecord>(family));
}

// Returns how much of all that there is a family may not take, since it has many series.
std::uint64_t Directory::kept_from(const Asked& asked, std::uint64_t all) const noexcept {
  if (asked.family == 0) return 0;
  const auto& used = family_record(asked.family).series_used;
  return used.load(std::memory_order_relaxed) > format::kFewSeries ? all / format::kKeptPart : 0;
}

bool Directory::fits(std::uint64_t used, std::uint64_t bytes, std::uint64_t kept) const noexcept {
  const std::uint64_t all = segment_.geometry().directory_bytes - kept;
  return bytes <= format::kMaxRecordBytes && used <= all && bytes <= all - used;
}

void Directory::note(format::Drop reason, const Asked& asked, std::uint64_t needed) const noexcept {
  update::drop(segment_, reason, {asked.family, asked.definition.name, needed});
}

void Directory::refused(format::Drop reason, const format::Definition& d,
                        format::Offset family) const noexcept {
  note(reason, {d, family}, 0);
}

std::string Directory::what(const Asked& asked) {
  return (asked.family == 0 ? "family \"" : "a series of \"") + asked.definition.name + '"';
}

void Directory::refuse_full(const Asked& asked, std::uint64_t bytes, std::uint64_t kept) const {
  note(format::Drop::kDirectoryFull, asked, bytes + kept);
  const std::string size =
      " (" + std::to_string(segment_.geometry().directory_bytes) + " bytes): no room for ";
  throw format::Error(METRICS_FULL, "the directory of " + segment_.file() + " is full" +
                                        for_whom(kept) + size + what(asked) + "; " + advice(kept) +
                                        "METRICS_DIRECTORY_BYTES");
}

void Directory::refuse_chain(const Asked& asked) const {
  note(format::Drop::kDirectoryFull, asked, 0);
  throw format::Error(METRICS_FULL,
                      "a chain of the directory of " + segment_.file() + " has " +
                          std::to_string(format::kMaxChain) +
                          " records, the most that it may have: no room for " + what(asked) +
                          "; create the segment anew with a larger METRICS_DIRECTORY_BYTES");
}

void Directory::refuse_damaged() const {
  throw format::Error(METRICS_INCOMPATIBLE,
                      "the directory of " + segment_.file() + " is damaged; delete the file");
}

// Throws what reserve() would throw now. So a caller that must reserve something else first does
// not waste it.
void Directory::expect_room(std::uint64_t bytes, const Asked& asked) const {
  const auto& used = segment_.header().directory_used;
  const std::uint64_t kept = kept_from(asked, segment_.geometry().directory_bytes);
  if (!fits(used.load(std::memory_order_relaxed), bytes, kept)) refuse_full(asked, bytes, kept);
}

// Reserves bytes for a record and returns their offset.
format::Offset Directory::reserve(std::uint64_t bytes, const Asked& asked) const {
  const std::uint64_t kept = kept_from(asked, segment_.geometry().directory_bytes);
  const auto before = reserved(segment_.header().directory_used, bytes,
                               [&](std::uint64_t used) { return fits(used, bytes, kept); });
  if (!before) refuse_full(asked, bytes, kept);
  if (*before % alignof(Record) != 0) refuse_damaged();  // no reader would find it
  return segment_.geometry().directory + *before;
}

// Reserves cells for a series and returns the first one's index in every slot.
std::uint64_t Directory::reserve_cells(std::uint32_t count, const Asked& asked) const {
  const std::uint64_t all = segment_.geometry().cells;
  const std::uint64_t kept = kept_from(asked, all);
  const auto before = reserved(segment_.header().cells_used, count, [&](std::uint64_t used) {
    return used <= all - kept && count <= all - kept - used;
  });
  if (before) return *before;
  note(format::Drop::kCellsFull, asked, count + kept);
  throw format::Error(METRICS_FULL,
                      "the cells of " + segment_.file() + " are used up" + for_whom(kept) + " (" +
                          std::to_string(all) + "): none are left for a series of \"" +
                          asked.definition.name + "\"; " + advice(kept) + "METRICS_CELLS");
}

format::Offset Directory::family(const format::Definition& d, std::uint64_t opened) const {
  const Asked asked{d, 0};
  std::uint32_t editions = 0;
  const auto same = [&](format::Offset offset) {
    ++editions;
    const auto there = format::family_at(window_, offset, nullptr);
    return there && format::is_edition(*there, d);
  };
  const std::uint64_t hash = format::family_hash(format::stem(d.name), segment_.hash_key());
  const auto expect = [&] {
    if (editions >= format::kMaxEditions) {
      note(format::Drop::kEditionsFull, asked, 0);
      throw format::Error(METRICS_FULL, "family \"" + d.name + "\" has " +
                                            std::to_string(format::kMaxEditions) +
                                            " definitions in " + segment_.file() +
                                            " already; a program must not make up new ones as it "
                                            "runs: put what varies into a label's value");
    }
  };
  const auto make = [&] {
    const format::Offset offset = reserve(format::family_bytes(d), asked);
    format::write_family(segment_.base() + offset, d, hash, opened,
                         static_cast<std::uint32_t>(update::own_pid()));
    if (!may_reuse()) family_record(offset).max_series = family_record(offset).places = 0;
    return offset;
  };
  const format::Offset offset = find_or_link(hash, Kind::kFamily, asked, same, expect, make);
  const auto* record = window_.at<format::FamilyRecord>(offset);
  raise(const_cast<format::Cell&>(record->opened), opened);
  return offset;
}

// Returns the families in the chain of that name, in the order of their records.
std::vector<format::FamilyView> Directory::families_of_stem(std::string_view name) const {
  std::vector<format::FamilyView> families;
  const std::uint64_t hash = format::family_hash(format::stem(name), segment_.hash_key());
  walk(&chain(hash).first, [&](format::Offset offset, const Record& record) {
    if (record.kind == Kind::kFamily && record.hash == hash) {
      if (auto f = format::family_at(window_, offset, nullptr)) families.push_back(std::move(*f));
    }
    return false;
  });
  std::sort(families.begin(), families.end(),
            [](const auto& a, const auto& b) { return a.offset < b.offset; });
  return families;
}

std::vector<format::FamilyView> Directory::editions_of(const format::Definition& d) const {
  std::vector<format::FamilyView> families = families_of_stem(d.name);
  std::erase_if(families, [&](const format::FamilyView& f) {
    return !format::are_one(f.type, f.name, d.type, d.name);
  });
  return families;
}

std::optional<std::string> Directory::served_instead(const format::Definition& d,
                                                     format::Offset family) const {
  const std::vector<format::FamilyView> families = families_of_stem(d.name);
  for (const format::Group& group : format::grouped(families)) {
    const bool mine = std::any_of(group.editions.begin(), group.editions.end(),
                                  [&](std::size_t i) { return families[i].offset == family; });
    if (mine && group.hidden_by) return format::described(families[*group.hidden_by]);
  }
  return std::nullopt;
}

// Removes the series of that family which the record was when its state was `live`. Returns the
// date of the removal; 0 if the series was removed before.
std::uint64_t Directory::remove_record(SeriesRecord& record, std::uint64_t live,
                                       format::Offset family) const noexcept {
  if (format::state_of(live) != State::kLive) return 0;
  const std::uint64_t removed = format::with_state(live, State::kRemoved);
  if (!record.record.state.compare_exchange_strong(live, removed, std::memory_order_seq_cst)) {
    return 0;
  }
  if (may_reuse()) uncount(family_record(family));
  // The date is part of the state, and is given by whoever comes: in a word of its own, a remover
  // that is stopped before it stores it would date the next life. See tests/model/stamp.pml.
  return rest(segment_, record, removed);
}

std::vector<Directory::Removed> Directory::remove(const format::Definition& d,
                                                  std::span<const std::string> strings) const {
  std::vector<Removed> removed;
  const format::HashKey& key = segment_.hash_key();
  for (const format::FamilyView& edition : editions_of(d)) {
    const auto theirs = strings_in(edition, d, strings);
    if (!theirs || (has_overflow(edition) && format::is_overflow(*theirs))) continue;
    const std::uint64_t hash =
        format::series_hash(format::strings_hash(*theirs, key), edition.offset, key);
    walk(&chain(hash).first, [&](format::Offset offset, const Record& record) {
      const std::uint64_t state = record.state.load(std::memory_order_acquire);
      if (record.kind != Kind::kSeries || record.hash != hash ||
          !is_series(offset, edition.offset, *theirs)) {
        return false;
      }
      if (const std::uint64_t date = remove_record(*series_at(offset), state, edition.offset);
          date != 0) {
        removed.push_back({edition.offset, &record.state, date});
      }
      return true;
    });
  }
  return removed;
}

std::uint64_t Directory::remove_known(format::Offset family, const format::Cell* state,
                                      std::uint64_t live) const noexcept {
  const auto at = reinterpret_cast<const std::byte*>(state) - offsetof(Record, state);
  const auto offset = static_cast<format::Offset>(at - segment_.base());
  SeriesRecord* record = series_at(offset);
  const auto& overflow = family_record(family).overflow;
  if (record == nullptr || overflow.load(std::memory_order_relaxed) == offset) return 0;
  return remove_record(*record, live, family);
}

void Directory::remove_all(const format::Definition& d) const {
  const format::HashKey& key = segment_.hash_key();
  std::uint64_t left = 0;
  struct Edition {
    format::Offset offset;
    std::optional<std::uint64_t> overflow;  // the hash of its overflow series, if it has one
  };
  std::vector<Edition> editions;
  for (const format::FamilyView& edition : editions_of(d)) {
    left += family_record(edition.offset).series_used.load(std::memory_order_relaxed);
    editions.push_back({edition.offset, std::nullopt});
    if (!has_overflow(edition)) continue;
    const std::vector<std::string_view> values(edition.labels.size(), format::kOverflowValue);
    editions.back().overflow =
        format::series_hash(format::strings_hash(values, key), edition.offset, key);
  }
  // A series is counted from before it is registered until after it is removed.
  if (left == 0 && may_reuse()) return;
  const format::Geometry& g = segment_.geometry();
  for (std::uint64_t i = 0; i < g.index_buckets; ++i) {
    walk(&chain(i).first, [&](format::Offset offset, const Record& record) {
      const std::uint64_t state = record.state.load(std::memory_order_acquire);
      const auto* r = record.kind == Kind::kSeries ? window_.at<SeriesRecord>(offset) : nullptr;
      if (r == nullptr || format::state_of(state) != State::kLive) return false;
      const auto edition = std::find_if(editions.begin(), editions.end(),
                                        [&](const Edition& e) { return e.offset == r->family; });
      if (edition != editions.end() && edition->overflow != record.hash) {
        remove_record(*series_at(offset), state, edition->offset);
      }
      return false;
    });
  }
}

}  // namespace metrics::setup
