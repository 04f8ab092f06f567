#include "libmetrics/setup/directory.h"

#include <algorithm>
#include <cstring>

#include "libmetrics/format/clock.h"
#include "libmetrics/format/editions.h"
#include "libmetrics/format/error.h"
#include "libmetrics/update/process.h"

namespace metrics::setup {
namespace {

using format::Kind;
using format::Record;
using format::SeriesRecord;

bool is_live(const Record& record) noexcept {
  return format::state_of(record.state.load(std::memory_order_relaxed)) == format::State::kLive;
}

bool is_series(const format::Window& window, format::Offset offset, format::Offset family,
               std::span<const std::string> strings) {
  const auto* record = window.at<Record>(offset);
  if (record == nullptr || !is_live(*record)) return false;  // before anything of it is parsed
  const auto there = format::series_at(window, offset, nullptr);
  return there && there->is_live() && there->family == family &&
         std::equal(there->strings.begin(), there->strings.end(), strings.begin(), strings.end());
}

void mark_removed(const Record& record) noexcept {
  auto& state = const_cast<format::Cell&>(record.state);
  std::uint64_t live = state.load(std::memory_order_relaxed);
  if (format::state_of(live) != format::State::kLive) return;
  state.compare_exchange_strong(live, format::with_state(live, format::State::kRemoved),
                                std::memory_order_relaxed, std::memory_order_relaxed);
}

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

}  // namespace

Directory::Directory(const update::Segment& segment) noexcept
    : segment_(segment), window_(segment.base(), 0, segment.geometry().shared_bytes()) {}

format::Link& Directory::chain(std::uint64_t hash) const noexcept {
  const format::Geometry& g = segment_.geometry();
  const format::Offset offset = g.index + (hash & (g.index_buckets - 1)) * sizeof(format::Chain);
  return reinterpret_cast<format::Chain*>(segment_.base() + offset)->first;
}

bool Directory::fits(std::uint64_t used, std::uint64_t bytes) const noexcept {
  const std::uint64_t all = segment_.geometry().directory_bytes;
  return bytes <= format::kMaxRecordBytes && used <= all && bytes <= all - used;
}

// Counts a refusal, and records the family and the process, so that a reader can name them when the
// process's log is gone.
void Directory::note(format::Drop reason, const Asked& asked, std::uint64_t needed) const noexcept {
  segment_.drop(reason);
  const auto i = static_cast<std::size_t>(reason);
  format::Refusal& refusal = segment_.header().refusals[i];
  std::array<std::uint64_t, 5> name{};
  std::memcpy(name.data(), asked.definition.name.data(),
              std::min(asked.definition.name.size(), sizeof name));
  for (std::size_t k = 0; k < name.size(); ++k) {
    refusal.name[k].store(name[k], std::memory_order_relaxed);
  }
  refusal.pid.store(static_cast<std::uint64_t>(update::own_pid()), std::memory_order_relaxed);
  refusal.needed.store(needed, std::memory_order_relaxed);
  refusal.when_ns.store(format::now_ns(), std::memory_order_relaxed);
  if (asked.family == 0) return;
  const auto* family = window_.at<format::FamilyRecord>(asked.family);
  if (family == nullptr) return;
  const_cast<format::Cell&>(family->refusals)
      .fetch_or(std::uint64_t{1} << i, std::memory_order_relaxed);
}

void Directory::refused(format::Drop reason, const format::Definition& d,
                        format::Offset family) const noexcept {
  note(reason, {d, family}, 0);
}

std::string Directory::what(const Asked& asked) {
  return (asked.family == 0 ? "family \"" : "a series of \"") + asked.definition.name + '"';
}

void Directory::refuse_full(const Asked& asked, std::uint64_t bytes) const {
  note(format::Drop::kDirectoryFull, asked, bytes);
  throw format::Error(METRICS_FULL,
                      "the directory of " + segment_.file() + " is full (" +
                          std::to_string(segment_.geometry().directory_bytes) +
                          " bytes): no room for " + what(asked) +
                          "; use fewer label values, or create the segment anew with a larger "
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
  if (!fits(used.load(std::memory_order_relaxed), bytes)) refuse_full(asked, bytes);
}

// Reserves bytes for a record and returns their offset. Checks before it adds: registrants that ask
// a full directory again and again must not wrap the counter.
format::Offset Directory::reserve(std::uint64_t bytes, const Asked& asked) const {
  expect_room(bytes, asked);
  auto& used = segment_.header().directory_used;
  const std::uint64_t before = used.fetch_add(bytes, std::memory_order_relaxed);
  if (!fits(before, bytes)) refuse_full(asked, bytes);
  if (before % alignof(Record) != 0) refuse_damaged();  // no reader would find it
  return segment_.geometry().directory + before;
}

// Reserves cells for a series and returns the first one's index in every slot.
std::uint64_t Directory::reserve_cells(std::uint32_t count, const Asked& asked) const {
  const std::uint64_t capacity = segment_.geometry().cells;
  auto& used = segment_.header().cells_used;
  const auto fits = [&](std::uint64_t before) {
    return before <= capacity && count <= capacity - before;
  };
  if (fits(used.load(std::memory_order_relaxed))) {
    const std::uint64_t before = used.fetch_add(count, std::memory_order_relaxed);
    if (fits(before)) return before;
  }
  note(format::Drop::kCellsFull, asked, count);
  throw format::Error(METRICS_FULL,
                      "the cells of " + segment_.file() + " are used up (" +
                          std::to_string(capacity) + "): none are left for a series of \"" +
                          asked.definition.name +
                          "\"; use fewer label values, or create the segment anew with a larger "
                          "METRICS_CELLS");
}

// Calls visit(offset, record) for the records of the chain from `link` on, until it returns true.
// Returns nullptr if it did, else the last link of the chain, where the next record belongs. Throws
// Error(METRICS_INCOMPATIBLE) if the chain leads out of the directory or does not end.
template <class Visit>
format::Link* Directory::walk(format::Link* link, Visit visit) const {
  std::uint64_t left = segment_.geometry().directory_bytes / sizeof(Record);
  for (; left > 0; --left) {
    const format::Offset offset =
        link->load(std::memory_order_acquire);  // pairs with find_or_link's release
    if (offset == 0) return link;
    const auto* record = window_.at<Record>(offset);
    if (record == nullptr || offset < segment_.geometry().directory) break;
    if (visit(offset, *record)) return nullptr;
    link = const_cast<format::Link*>(&record->next);
  }
  refuse_damaged();
}

// Returns the record of the chain for which same(offset, record) is true. If there is none yet,
// calls make() once for the offset of a filled record and links it. Before each attempt to link it
// calls expect(), which throws if the record must not be linked. A chain has a bound, so that no
// registrant's walk can be made long: at the bound, the directory is as good as full. Removed
// series don't count: only the program itself can remove them.
template <class Same, class Expect, class Make>
format::Offset Directory::find_or_link(std::uint64_t hash, Kind kind, const Asked& asked, Same same,
                                       Expect expect, Make make) const {
  format::Link* link = &chain(hash);
  format::Offset mine = 0;
  std::uint32_t passed = 0;
  for (;;) {
    format::Offset found = 0;
    link = walk(link, [&](format::Offset offset, const Record& record) {
      if (record.kind != Kind::kSeries || is_live(record)) ++passed;
      if (record.kind == kind && record.hash == hash && same(offset, record)) found = offset;
      return found != 0;
    });
    if (link == nullptr) return found;
    if (passed >= format::kMaxChain) refuse_chain(asked);
    expect();
    if (mine == 0) mine = make();
    std::uint64_t end = 0;
    // The only commit. Release: a registrant or reader that follows the link sees the record
    // filled. Acquire on failure: this registrant goes on into the record that another one has
    // linked here.
    if (link->compare_exchange_strong(end, mine, std::memory_order_release,
                                      std::memory_order_acquire)) {
      return mine;
    }
  }
}

format::Offset Directory::family(const format::Definition& d, std::uint64_t opened) const {
  const Asked asked{d, 0};
  std::uint32_t editions = 0;
  const auto same = [&](format::Offset offset, const Record&) {
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
    format::write_family(segment_.base() + offset, d, hash, opened);
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
  walk(&chain(hash), [&](format::Offset offset, const Record& record) {
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

Directory::Found Directory::series(format::Offset family, const format::Definition& d,
                                   std::span<const std::string> strings, std::uint64_t hash) const {
  hash = format::series_hash(hash, family, segment_.hash_key());
  const Asked asked{d, family};
  const std::uint32_t cells =
      format::cell_count(d.type, static_cast<std::uint32_t>(d.bounds.size()));
  const auto same = [&](format::Offset offset, const Record&) {
    return is_series(window_, offset, family, strings);
  };
  const auto make = [&] {
    const std::uint64_t bytes = format::series_bytes(strings);
    expect_room(bytes, asked);
    const std::uint64_t first = reserve_cells(cells, asked);
    const format::Offset offset = reserve(bytes, asked);
    format::write_series(segment_.base() + offset, offset, strings, hash, family, first, cells);
    return offset;
  };
  const format::Offset offset = find_or_link(
      hash, Kind::kSeries, asked, same, [] {}, make);
  const auto* r = window_.at<SeriesRecord>(offset);
  const format::Geometry& g = segment_.geometry();
  const std::uint64_t first = r->first_cell;
  // A handle has 32 bits for the cell.
  constexpr std::uint64_t kMost = std::uint64_t{1} << 32;
  if (first > g.cells || cells > g.cells - first || first + cells > kMost) refuse_damaged();
  // A removal since then has changed the state, but not the version above it.
  const std::uint64_t state = r->record.state.load(std::memory_order_relaxed);
  return {first, &r->record.state, format::with_state(state, format::State::kLive)};
}

void Directory::remove(const format::Definition& d, std::span<const std::string> strings) const {
  const format::HashKey& key = segment_.hash_key();
  for (const format::FamilyView& edition : editions_of(d)) {
    const auto theirs = strings_in(edition, d, strings);
    if (!theirs) continue;
    const std::uint64_t hash =
        format::series_hash(format::strings_hash(*theirs, key), edition.offset, key);
    walk(&chain(hash), [&](format::Offset offset, const Record& record) {
      if (record.kind != Kind::kSeries || record.hash != hash ||
          !is_series(window_, offset, edition.offset, *theirs)) {
        return false;
      }
      mark_removed(record);
      return true;
    });
  }
}

void Directory::remove_all(const format::Definition& d) const {
  const std::vector<format::FamilyView> editions = editions_of(d);
  const format::Geometry& g = segment_.geometry();
  for (std::uint64_t i = 0; i < g.index_buckets; ++i) {
    walk(&chain(i), [&](format::Offset offset, const Record& record) {
      if (record.kind == Kind::kSeries) {
        const auto* r = window_.at<SeriesRecord>(offset);
        const bool of_one =
            r != nullptr && std::any_of(editions.begin(), editions.end(),
                                        [&](const auto& e) { return e.offset == r->family; });
        if (of_one) mark_removed(record);
      }
      return false;
    });
  }
}

}  // namespace metrics::setup
