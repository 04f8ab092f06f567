#include "libmetrics/setup/directory.h"

#include <algorithm>
#include <charconv>

#include "libmetrics/format/error.h"

namespace metrics::core {
namespace {

using layout::Kind;
using layout::Record;
using layout::SeriesRecord;

std::string number(double v) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  return {buffer, end};
}

template <class Strings>
std::string listed(const Strings& strings) {
  std::string text = "(";
  for (const auto& s : strings) text.append(text.size() > 1 ? ", " : "").append(s);
  return text + ')';
}

// What two families may not differ in, for a person.
template <class Family>
std::string described(const Family& f) {
  std::string text = std::string(to_string(f.type)) + " \"" + std::string(f.name) + '"';
  if (f.type == Type::kGauge) text += " of mode " + std::string(to_string(f.mode));
  if (!f.unit.empty()) text += " of unit " + std::string(f.unit);
  text += " with labels " + listed(f.labels);
  if (f.type == Type::kHistogram) {
    std::vector<std::string> bounds;
    for (const double b : f.bounds) bounds.push_back(number(b));
    text += " and bounds " + listed(bounds);
  }
  return text;
}

bool same_family(const FamilyView& there, const Definition& d) {
  return there.type == d.type && there.mode == d.mode && there.unit == d.unit &&
         std::equal(there.labels.begin(), there.labels.end(), d.labels.begin(), d.labels.end()) &&
         std::equal(there.bounds.begin(), there.bounds.end(), d.bounds.begin(), d.bounds.end());
}

bool share_a_sample(const FamilyView& there, const std::vector<std::string>& names) {
  const auto others = sample_names(there.type, there.name);
  return std::any_of(others.begin(), others.end(), [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  });
}

}  // namespace

Directory::Directory(const Segment& segment) noexcept
    : segment_(segment), window_(segment.base(), 0, segment.geometry().shared_bytes()) {}

layout::Link& Directory::chain(std::uint64_t hash) const noexcept {
  const Geometry& g = segment_.geometry();
  const Offset offset = g.index + (hash & (g.index_buckets - 1)) * sizeof(layout::Link);
  return *reinterpret_cast<layout::Link*>(segment_.base() + offset);
}

bool Directory::fits(std::uint64_t used, std::uint64_t bytes) const noexcept {
  const std::uint64_t all = segment_.geometry().directory_bytes;
  return bytes <= layout::kMaxRecordBytes && used <= all && bytes <= all - used;
}

void Directory::refuse_full() const {
  segment_.drop(layout::Drop::kDirectoryFull);
  throw Error(METRICS_FULL, "the directory of " + segment_.file() + " is full (" +
                                std::to_string(segment_.geometry().directory_bytes) +
                                " bytes); use fewer label values, or create the segment anew with "
                                "a larger METRICS_DIRECTORY_BYTES");
}

void Directory::refuse_damaged() const {
  throw Error(METRICS_INCOMPATIBLE,
              "the directory of " + segment_.file() + " is damaged; delete the file");
}

// Throws what reserve() would throw now: who has to reserve something else first does not waste it.
void Directory::expect_room(std::uint64_t bytes) const {
  const auto& used = segment_.header().directory_used;
  if (!fits(used.load(std::memory_order_relaxed), bytes)) refuse_full();
}

// Checked before it is added: a full directory asked for again and again must not wrap the counter.
Offset Directory::reserve(std::uint64_t bytes) const {
  expect_room(bytes);
  auto& used = segment_.header().directory_used;
  const std::uint64_t before = used.fetch_add(bytes, std::memory_order_relaxed);
  if (!fits(before, bytes)) refuse_full();
  if (before % alignof(Record) != 0) refuse_damaged();  // nobody would find a record there
  return segment_.geometry().directory + before;
}

std::uint64_t Directory::reserve_cells(std::uint32_t count) const {
  const std::uint64_t capacity = segment_.geometry().cells;
  auto& used = segment_.header().cells_used;
  const auto fits = [&](std::uint64_t before) {
    return before <= capacity && count <= capacity - before;
  };
  if (fits(used.load(std::memory_order_relaxed))) {
    const std::uint64_t before = used.fetch_add(count, std::memory_order_relaxed);
    if (fits(before)) return before;
  }
  segment_.drop(layout::Drop::kCellsFull);
  throw Error(METRICS_FULL,
              "the cells of " + segment_.file() + " are used up (" + std::to_string(capacity) +
                  "); use fewer label values, or create the segment anew with a larger "
                  "METRICS_CELLS");
}

// Calls visit(offset, record) along the chain from `link` on, until it returns true; then, or at the end
// of the chain, returns the link at which it stopped: nullptr or the last one.
template <class Visit>
layout::Link* Directory::walk(layout::Link* link, Visit visit) const {
  std::uint64_t left = segment_.geometry().directory_bytes / sizeof(Record);
  for (; left > 0; --left) {
    const Offset offset = link->load(std::memory_order_acquire);  // with find_or_link's release
    if (offset == 0) return link;
    const auto* record = window_.at<Record>(offset);
    if (record == nullptr || offset < segment_.geometry().directory) break;
    if (visit(offset, *record)) return nullptr;
    link = const_cast<layout::Link*>(&record->next);
  }
  refuse_damaged();
}

template <class Same, class Make>
Offset Directory::find_or_link(std::uint64_t hash, Kind kind, Same same, Make make) const {
  layout::Link* link = &chain(hash);
  Offset mine = 0;
  for (;;) {
    Offset found = 0;
    link = walk(link, [&](Offset offset, const Record& record) {
      if (record.kind == kind && record.hash == hash && same(offset, record)) found = offset;
      return found != 0;
    });
    if (link == nullptr) return found;
    if (mine == 0) mine = make();
    std::uint64_t end = 0;
    // The only commit. Release: who follows the link sees the record filled. Acquire on failure: we go on
    // into the record that somebody else has linked here.
    if (link->compare_exchange_strong(end, mine, std::memory_order_release,
                                      std::memory_order_acquire)) {
      return mine;
    }
  }
}

Offset Directory::family(const Definition& d) const {
  const auto names = sample_names(d.type, d.name);
  const auto same = [&](Offset offset, const Record&) {
    const auto there = family_at(window_, offset, nullptr);
    if (!there || !share_a_sample(*there, names)) return false;
    if (there->name == d.name && same_family(*there, d)) return true;
    segment_.drop(layout::Drop::kFamilyConflict);
    throw Error(METRICS_CONFLICT, described(d) + " conflicts with the " + described(*there) +
                                      " in " + segment_.file() +
                                      "; rename one, or make them the same");
  };
  const std::uint64_t hash = hash_string(stem(d.name), kHashSeed);
  const auto make = [&] {
    const Offset offset = reserve(family_bytes(d));
    write_family(segment_.base() + offset, d, hash);
    return offset;
  };
  return find_or_link(hash, Kind::kFamily, same, make);
}

namespace {

bool is_series(const Window& window, Offset offset, Offset family,
               std::span<const std::string> strings) {
  const auto there = series_at(window, offset, nullptr);
  return there && !there->removed && there->family == family &&
         std::equal(there->strings.begin(), there->strings.end(), strings.begin(), strings.end());
}

}  // namespace

Directory::Found Directory::series(Offset family, const Definition& d,
                                   std::span<const std::string> strings, std::uint64_t hash) const {
  hash = hash_mix(hash, family);
  const std::uint32_t cells =
      layout::cell_count(d.type, static_cast<std::uint32_t>(d.bounds.size()));
  const auto same = [&](Offset offset, const Record&) {
    return is_series(window_, offset, family, strings);
  };
  const auto make = [&] {
    const std::uint64_t bytes = series_bytes(strings);
    expect_room(bytes);
    const std::uint64_t first = reserve_cells(cells);
    const Offset offset = reserve(bytes);
    write_series(segment_.base() + offset, strings, hash, family, first, cells);
    return offset;
  };
  const Offset offset = find_or_link(hash, Kind::kSeries, same, make);
  const auto* r = window_.at<SeriesRecord>(offset);
  const Geometry& g = segment_.geometry();
  const std::uint64_t first = r->first_cell;
  if (first > g.cells || cells > g.cells - first) refuse_damaged();
  return {offset, first, &r->record.removed};
}

void Directory::remove(Offset family, std::span<const std::string> strings,
                       std::uint64_t hash) const {
  hash = hash_mix(hash, family);
  walk(&chain(hash), [&](Offset offset, const Record& record) {
    if (record.kind != Kind::kSeries || record.hash != hash ||
        !is_series(window_, offset, family, strings)) {
      return false;
    }
    const_cast<layout::Cell&>(record.removed).store(1, std::memory_order_relaxed);
    return true;
  });
}

void Directory::remove_all(Offset family) const {
  const Geometry& g = segment_.geometry();
  for (std::uint64_t i = 0; i < g.index_buckets; ++i) {
    walk(&chain(i), [&](Offset offset, const Record& record) {
      if (record.kind == Kind::kSeries) {
        const auto* r = window_.at<SeriesRecord>(offset);
        if (r != nullptr && r->family == family) {
          const_cast<layout::Cell&>(record.removed).store(1, std::memory_order_relaxed);
        }
      }
      return false;
    });
  }
}

}  // namespace metrics::core
