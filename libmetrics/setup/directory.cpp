#include "libmetrics/setup/directory.h"

#include <algorithm>
#include <charconv>

#include "libmetrics/format/error.h"

namespace metrics::setup {
namespace {

using format::Kind;
using format::Record;
using format::SeriesRecord;

std::string bound_text(double v) {
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

// Describes, for messages, all properties in which two definitions of a family must be equal.
template <class Family>
std::string described(const Family& f) {
  std::string text = std::string(to_string(f.type)) + " \"" + std::string(f.name) + '"';
  if (format::values_of(f.type) == format::Values::kGauge)
    text += " of mode " + std::string(to_string(f.mode));
  if (!f.unit.empty()) text += " of unit " + std::string(f.unit);
  text += " with labels " + listed(f.labels);
  if (format::has_buckets(f.type)) {
    std::vector<std::string> bounds;
    for (const double b : f.bounds) bounds.push_back(bound_text(b));
    text += " and bounds " + listed(bounds);
  }
  return text;
}

bool same_family(const format::FamilyView& there, const format::Definition& d) {
  return there.type == d.type && there.mode == d.mode && there.unit == d.unit &&
         std::equal(there.labels.begin(), there.labels.end(), d.labels.begin(), d.labels.end()) &&
         std::equal(there.bounds.begin(), there.bounds.end(), d.bounds.begin(), d.bounds.end());
}

bool share_a_sample(const format::FamilyView& there, const std::vector<std::string>& names) {
  const auto others = format::sample_names(there.type, there.name);
  return std::any_of(others.begin(), others.end(), [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  });
}

}  // namespace

Directory::Directory(const update::Segment& segment) noexcept
    : segment_(segment), window_(segment.base(), 0, segment.geometry().shared_bytes()) {}

format::Link& Directory::chain(std::uint64_t hash) const noexcept {
  const format::Geometry& g = segment_.geometry();
  const format::Offset offset = g.index + (hash & (g.index_buckets - 1)) * sizeof(format::Link);
  return *reinterpret_cast<format::Link*>(segment_.base() + offset);
}

bool Directory::fits(std::uint64_t used, std::uint64_t bytes) const noexcept {
  const std::uint64_t all = segment_.geometry().directory_bytes;
  return bytes <= format::kMaxRecordBytes && used <= all && bytes <= all - used;
}

void Directory::refuse_full() const {
  segment_.drop(format::Drop::kDirectoryFull);
  throw format::Error(METRICS_FULL,
                      "the directory of " + segment_.file() + " is full (" +
                          std::to_string(segment_.geometry().directory_bytes) +
                          " bytes); use fewer label values, or create the segment anew with "
                          "a larger METRICS_DIRECTORY_BYTES");
}

void Directory::refuse_damaged() const {
  throw format::Error(METRICS_INCOMPATIBLE,
                      "the directory of " + segment_.file() + " is damaged; delete the file");
}

// Throws what reserve() would throw now. So a caller that must reserve something else first does
// not waste it.
void Directory::expect_room(std::uint64_t bytes) const {
  const auto& used = segment_.header().directory_used;
  if (!fits(used.load(std::memory_order_relaxed), bytes)) refuse_full();
}

// Reserves bytes for a record and returns their offset. Checks before it adds: registrants that ask
// a full directory again and again must not wrap the counter.
format::Offset Directory::reserve(std::uint64_t bytes) const {
  expect_room(bytes);
  auto& used = segment_.header().directory_used;
  const std::uint64_t before = used.fetch_add(bytes, std::memory_order_relaxed);
  if (!fits(before, bytes)) refuse_full();
  if (before % alignof(Record) != 0) refuse_damaged();  // no reader would find it
  return segment_.geometry().directory + before;
}

// Reserves cells for a series and returns the first one's index in every slot.
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
  segment_.drop(format::Drop::kCellsFull);
  throw format::Error(METRICS_FULL,
                      "the cells of " + segment_.file() + " are used up (" +
                          std::to_string(capacity) +
                          "); use fewer label values, or create the segment anew with a larger "
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
// calls make() once for the offset of a filled record and links it.
template <class Same, class Make>
format::Offset Directory::find_or_link(std::uint64_t hash, Kind kind, Same same, Make make) const {
  format::Link* link = &chain(hash);
  format::Offset mine = 0;
  for (;;) {
    format::Offset found = 0;
    link = walk(link, [&](format::Offset offset, const Record& record) {
      if (record.kind == kind && record.hash == hash && same(offset, record)) found = offset;
      return found != 0;
    });
    if (link == nullptr) return found;
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

format::Offset Directory::family(const format::Definition& d) const {
  const auto names = format::sample_names(d.type, d.name);
  const auto same = [&](format::Offset offset, const Record&) {
    const auto there = format::family_at(window_, offset, nullptr);
    if (!there || !share_a_sample(*there, names)) return false;
    if (there->name == d.name && same_family(*there, d)) return true;
    segment_.drop(format::Drop::kFamilyConflict);
    throw format::Error(METRICS_CONFLICT, described(d) + " conflicts with the " +
                                              described(*there) + " in " + segment_.file() +
                                              "; rename one, or make them the same");
  };
  const std::uint64_t hash = format::hash_string(format::stem(d.name), format::kHashSeed);
  const auto make = [&] {
    const format::Offset offset = reserve(format::family_bytes(d));
    format::write_family(segment_.base() + offset, d, hash);
    return offset;
  };
  return find_or_link(hash, Kind::kFamily, same, make);
}

namespace {

bool is_series(const format::Window& window, format::Offset offset, format::Offset family,
               std::span<const std::string> strings) {
  const auto there = format::series_at(window, offset, nullptr);
  return there && !there->removed && there->family == family &&
         std::equal(there->strings.begin(), there->strings.end(), strings.begin(), strings.end());
}

}  // namespace

Directory::Found Directory::series(format::Offset family, const format::Definition& d,
                                   std::span<const std::string> strings, std::uint64_t hash) const {
  hash = format::hash_mix(hash, family);
  const std::uint32_t cells =
      format::cell_count(d.type, static_cast<std::uint32_t>(d.bounds.size()));
  const auto same = [&](format::Offset offset, const Record&) {
    return is_series(window_, offset, family, strings);
  };
  const auto make = [&] {
    const std::uint64_t bytes = format::series_bytes(strings);
    expect_room(bytes);
    const std::uint64_t first = reserve_cells(cells);
    const format::Offset offset = reserve(bytes);
    format::write_series(segment_.base() + offset, strings, hash, family, first, cells);
    return offset;
  };
  const format::Offset offset = find_or_link(hash, Kind::kSeries, same, make);
  const auto* r = window_.at<SeriesRecord>(offset);
  const format::Geometry& g = segment_.geometry();
  const std::uint64_t first = r->first_cell;
  if (first > g.cells || cells > g.cells - first) refuse_damaged();
  return {first, &r->record.removed};
}

void Directory::remove(format::Offset family, std::span<const std::string> strings,
                       std::uint64_t hash) const {
  hash = format::hash_mix(hash, family);
  walk(&chain(hash), [&](format::Offset offset, const Record& record) {
    if (record.kind != Kind::kSeries || record.hash != hash ||
        !is_series(window_, offset, family, strings)) {
      return false;
    }
    const_cast<format::Cell&>(record.removed).store(1, std::memory_order_relaxed);
    return true;
  });
}

void Directory::remove_all(format::Offset family) const {
  const format::Geometry& g = segment_.geometry();
  for (std::uint64_t i = 0; i < g.index_buckets; ++i) {
    walk(&chain(i), [&](format::Offset offset, const Record& record) {
      if (record.kind == Kind::kSeries) {
        const auto* r = window_.at<SeriesRecord>(offset);
        if (r != nullptr && r->family == family) {
          const_cast<format::Cell&>(record.removed).store(1, std::memory_order_relaxed);
        }
      }
      return false;
    });
  }
}

}  // namespace metrics::setup
