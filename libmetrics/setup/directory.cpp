#include "libmetrics/setup/directory.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include "libmetrics/format/error.h"

namespace metrics::core {
namespace {

using layout::FamilyRecord;
using layout::Kind;
using layout::Record;
using layout::SeriesRecord;

// Reads what follows a record's fixed part; once something did not fit, `ok` stays false.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> rest) : rest_(rest) {}
  bool ok() const { return ok_; }

  std::span<const double> doubles(std::size_t count) {
    const auto bytes = take(count * sizeof(double));
    if (!ok_) return {};
    return {reinterpret_cast<const double*>(bytes.data()), count};
  }
  std::string_view string() {
    std::uint32_t size = 0;
    if (const auto bytes = take(sizeof size); ok_) std::memcpy(&size, bytes.data(), sizeof size);
    if (size > layout::kMaxStringBytes) ok_ = false;
    const auto bytes = take(size);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

 private:
  std::span<const std::byte> take(std::size_t size) {
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

// Writes what follows a record's fixed part; the size was computed beforehand.
class Pen {
 public:
  explicit Pen(std::byte* at) : at_(at) {}
  void bytes(const void* from, std::size_t size) {
    if (size > 0) std::memcpy(at_, from, size);
    at_ += size;
  }
  void string(std::string_view s) {
    const auto size = static_cast<std::uint32_t>(s.size());
    bytes(&size, sizeof size);
    bytes(s.data(), s.size());
  }

 private:
  std::byte* at_;
};

std::uint64_t string_bytes(std::string_view s) { return sizeof(std::uint32_t) + s.size(); }
std::uint64_t record_bytes(std::uint64_t n) { return (n + 7) / 8 * 8; }

void begin_record(Record& record, std::uint64_t bytes, Kind kind, std::uint64_t hash) {
  record.bytes = static_cast<std::uint32_t>(bytes);
  record.kind = kind;
  record.hash = hash;
}

// The record of that kind at an offset and all its bytes, or a fault.
template <class T>
const T* record_at(const Window& window, Offset offset, Kind kind, std::span<const std::byte>& rest,
                   std::string* fault) {
  const auto no = [&](const char* why) -> const T* {
    if (fault != nullptr) *fault = "record at " + std::to_string(offset) + ' ' + why;
    return nullptr;
  };
  const T* r = window.at<T>(offset);
  if (r == nullptr) return no("does not lie in the directory");
  if (r->record.kind != kind) return no("is of another kind");
  const std::uint32_t bytes = r->record.bytes;
  if (bytes < sizeof(T) || bytes > layout::kMaxRecordBytes || bytes % 8 != 0) {
    return no("has an impossible size");
  }
  const auto all = window.bytes(offset, bytes);
  if (all.empty()) return no("reaches beyond the directory");
  rest = all.subspan(sizeof(T));
  return r;
}

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

std::optional<FamilyView> family_at(const Window& window, Offset offset, std::string* fault) {
  std::span<const std::byte> rest;
  const auto* r = record_at<FamilyRecord>(window, offset, Kind::kFamily, rest, fault);
  if (r == nullptr) return std::nullopt;
  FamilyView f{};
  f.offset = offset;
  f.type = r->type;
  f.mode = r->mode;
  const std::uint16_t label_count = r->label_count;
  const std::uint32_t bound_count = r->bound_count;
  const auto no = [&](const char* why) -> std::optional<FamilyView> {
    if (fault != nullptr) *fault = "family at " + std::to_string(offset) + ' ' + why;
    return std::nullopt;
  };
  if (to_string(f.type) == "unknown" || to_string(f.mode) == "unknown") {
    return no("is of no known type or mode");
  }
  if (label_count > layout::kMaxLabels || bound_count > layout::kMaxBounds) {
    return no("has too many labels or bounds");
  }
  Cursor cursor(rest);
  f.bounds = cursor.doubles(bound_count);
  f.name = cursor.string();
  f.help = cursor.string();
  f.unit = cursor.string();
  for (std::uint32_t i = 0; i < label_count; ++i) f.labels.push_back(cursor.string());
  if (!cursor.ok()) return no("has strings that reach beyond its record");
  // What was checked when it was made is checked again: an exposition must stay valid. The ending that
  // checked() takes off is put back, since one that is left is part of the name (a counter `x_total_total`).
  const std::string_view ending = f.type == Type::kCounter ? "_total"
                                  : f.type == Type::kInfo  ? "_info"
                                                           : "";
  try {
    const Definition d = checked({f.type,
                                  std::string(f.name).append(ending),
                                  std::string(f.help),
                                  std::string(f.unit),
                                  {f.labels.begin(), f.labels.end()},
                                  {f.bounds.begin(), f.bounds.end()},
                                  f.mode});
    if (d.name != f.name || d.bounds.size() != bound_count)
      return no("is not as families are kept");
  } catch (const Error& e) {
    return no(e.what());
  }
  return f;
}

std::optional<SeriesView> series_at(const Window& window, Offset offset, std::string* fault) {
  std::span<const std::byte> rest;
  const auto* r = record_at<SeriesRecord>(window, offset, Kind::kSeries, rest, fault);
  if (r == nullptr) return std::nullopt;
  SeriesView s{offset,        r->family, r->first_cell,
               r->cell_count, {},        r->record.removed.load(std::memory_order_relaxed) != 0};
  const std::uint32_t count = r->string_count;
  Cursor cursor(rest);
  for (std::uint32_t i = 0; i < count && i <= 2 * layout::kMaxLabels; ++i) {
    s.strings.push_back(cursor.string());
  }
  if (!cursor.ok() || s.strings.size() != count) {
    if (fault != nullptr) {
      *fault = "series at " + std::to_string(offset) + " has strings that reach beyond its record";
    }
    return std::nullopt;
  }
  return s;
}

namespace {

// The label names of a series are its family's, an info's its own.
std::string labels_fault(const FamilyView& f, const SeriesView& s) {
  if (f.type != Type::kInfo) {
    return s.strings.size() == f.labels.size() ? ""
                                               : "has another number of labels than its family";
  }
  if (s.strings.size() % 2 != 0) return "has a label name without a value";
  Definition d{f.type, std::string(f.name), {}, {}, {}, {}, {}};
  for (std::size_t i = 0; i < s.strings.size(); i += 2) d.labels.emplace_back(s.strings[i]);
  try {
    checked(std::move(d));
  } catch (const Error& e) {
    return std::string("has bad labels: ") + e.what();
  }
  return "";
}

bool good_utf8(const SeriesView& s) {
  return std::all_of(s.strings.begin(), s.strings.end(),
                     [](std::string_view text) { return valid_utf8(text) == text; });
}

// Keeps of `found` what is consistent: series of known families, cells inside and of one series alone, no two the same.
void keep_consistent(Contents& found, const Geometry& geometry, std::vector<std::string>* faults) {
  const auto fault = [&](Offset offset, const std::string& why) {
    if (faults != nullptr) faults->push_back("record at " + std::to_string(offset) + ' ' + why);
    return true;
  };
  const auto by_offset = [](const auto& a, const auto& b) { return a.offset < b.offset; };
  std::sort(found.families.begin(), found.families.end(), by_offset);
  std::sort(found.series.begin(), found.series.end(), by_offset);

  std::unordered_set<std::string> samples;
  std::unordered_map<Offset, const FamilyView*> families;
  std::erase_if(found.families, [&](const FamilyView& f) {
    const auto names = sample_names(f.type, f.name);
    if (std::any_of(names.begin(), names.end(),
                    [&](const auto& n) { return samples.contains(n); })) {
      return fault(f.offset, "is a second family with samples of \"" + std::string(f.name) + '"');
    }
    samples.insert(names.begin(), names.end());
    return false;
  });
  for (const FamilyView& f : found.families) families.emplace(f.offset, &f);

  struct Identity {
    Offset family;
    std::vector<std::string_view> strings;
    bool operator==(const Identity&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Identity& i) const noexcept {
      return hash_mix(strings_hash(i.strings), i.family);
    }
  };
  std::unordered_set<Identity, Hash> identities;
  std::erase_if(found.series, [&](const SeriesView& s) {
    const auto family = families.find(s.family);
    if (family == families.end()) return fault(s.offset, "is a series of no family");
    const FamilyView& f = *family->second;
    const auto bound_count = static_cast<std::uint32_t>(f.bounds.size());
    if (s.cell_count != layout::cell_count(f.type, bound_count) || s.cell_count > geometry.cells ||
        s.first_cell > geometry.cells - s.cell_count) {
      return fault(s.offset, "has cells that its family does not have or a slot does not hold");
    }
    if (const std::string why = labels_fault(f, s); !why.empty()) return fault(s.offset, why);
    if (!good_utf8(s)) return fault(s.offset, "has a label value that is not valid UTF-8");
    if (!s.removed && !identities.insert({s.family, s.strings}).second) {
      return fault(s.offset, "is a second series with the same labels");
    }
    return false;
  });

  // Cells that two series had would be counted twice; and a small directory could describe more than memory holds.
  std::vector<const SeriesView*> by_cell;
  for (const SeriesView& s : found.series) {
    if (s.cell_count > 0) by_cell.push_back(&s);
  }
  std::sort(by_cell.begin(), by_cell.end(), [](const SeriesView* a, const SeriesView* b) {
    return std::pair(a->first_cell, a->offset) < std::pair(b->first_cell, b->offset);
  });
  std::unordered_map<Offset, Offset> sharing;  // with whom
  std::uint64_t end = 0;
  Offset owner = 0;
  for (const SeriesView* s : by_cell) {
    if (s->first_cell < end) {
      sharing.emplace(s->offset, owner);
    } else {
      end = s->first_cell + s->cell_count;
      owner = s->offset;
    }
  }
  if (sharing.empty()) return;
  std::erase_if(found.series, [&](const SeriesView& s) {
    const auto with = sharing.find(s.offset);
    return with != sharing.end() &&
           fault(s.offset, "shares cells with the record at " + std::to_string(with->second));
  });
}

}  // namespace

Contents contents(const Window& links, const Window& records, const Geometry& geometry,
                  std::vector<std::string>* faults) {
  Contents found;
  const auto fault = [&](std::string text) {
    if (faults != nullptr) faults->push_back(std::move(text));
  };
  // By offset: a circle, or a chain that leads into another one, ends where it comes to a record again. Of what was
  // copied, which is measured; what the geometry claims is not.
  const std::uint64_t used = links.last() - std::min(links.last(), geometry.directory);
  std::vector<bool> seen(used / alignof(Record) + 1);
  // Records that overlap could be many long ones in little space. Twice what there is, so that one record with a wrong
  // size costs no other ones.
  std::uint64_t left = 2 * used;
  for (std::uint64_t i = 0; i < geometry.index_buckets; ++i) {
    const auto* link = links.at<layout::Link>(geometry.index + i * sizeof(layout::Link));
    while (link != nullptr) {
      const Offset offset = link->load(std::memory_order_relaxed);  // a copy's: nobody writes it
      if (offset == 0) break;
      if (offset >= links.last() && offset < geometry.directory + geometry.directory_bytes) break;
      const auto* record = offset >= geometry.directory ? links.at<Record>(offset) : nullptr;
      if (record == nullptr) {
        fault("chain " + std::to_string(i) + " leads to " + std::to_string(offset) + ", outside");
        break;
      }
      const auto place = (offset - geometry.directory) / alignof(Record);
      if (seen[place]) {
        fault("chain " + std::to_string(i) + " leads to " + std::to_string(offset) +
              ", where a chain has been");
        break;
      }
      seen[place] = true;
      std::string why;
      const Record& filled = *records.at<Record>(offset);
      // Of an impossible size nothing is read but that.
      const bool fits = filled.bytes <= links.last() - offset;
      const std::uint64_t bytes =
          fits ? std::max<std::uint64_t>(filled.bytes, sizeof(Record)) : sizeof(Record);
      if (bytes > left) {
        fault("chain " + std::to_string(i) + " has more bytes of records than there are");
        break;
      }
      left -= bytes;
      if (filled.kind == Kind::kFamily) {
        if (auto f = family_at(records, offset, &why)) found.families.push_back(std::move(*f));
      } else if (filled.kind == Kind::kSeries) {
        if (auto s = series_at(records, offset, &why)) found.series.push_back(std::move(*s));
      }
      if (why.empty()) {
        found.linked_bytes += filled.bytes;
      } else {
        fault(std::move(why));
      }
      link = &record->next;
    }
  }
  keep_consistent(found, geometry, faults);
  return found;
}

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
    std::uint64_t bytes = sizeof(FamilyRecord) + d.bounds.size() * sizeof(double) +
                          string_bytes(d.name) + string_bytes(d.help) + string_bytes(d.unit);
    for (const auto& label : d.labels) bytes += string_bytes(label);
    bytes = record_bytes(bytes);
    const Offset offset = reserve(bytes);
    auto* r = reinterpret_cast<FamilyRecord*>(segment_.base() + offset);
    begin_record(r->record, bytes, Kind::kFamily, hash);
    r->type = d.type;
    r->mode = d.mode;
    r->label_count = static_cast<std::uint16_t>(d.labels.size());
    r->bound_count = static_cast<std::uint32_t>(d.bounds.size());
    Pen pen(reinterpret_cast<std::byte*>(r + 1));
    pen.bytes(d.bounds.data(), d.bounds.size() * sizeof(double));
    for (const auto* text : {&d.name, &d.help, &d.unit}) pen.string(*text);
    for (const auto& label : d.labels) pen.string(label);
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
  const auto same = [&](Offset offset, const Record&) {
    return is_series(window_, offset, family, strings);
  };
  const auto make = [&] {
    std::uint64_t bytes = sizeof(SeriesRecord);
    for (const auto& s : strings) bytes += string_bytes(s);
    bytes = record_bytes(bytes);
    const std::uint32_t cells =
        layout::cell_count(d.type, static_cast<std::uint32_t>(d.bounds.size()));
    expect_room(bytes);
    const std::uint64_t first = reserve_cells(cells);
    const Offset offset = reserve(bytes);
    auto* r = reinterpret_cast<SeriesRecord*>(segment_.base() + offset);
    begin_record(r->record, bytes, Kind::kSeries, hash);
    r->family = family;
    r->first_cell = first;
    r->cell_count = cells;
    r->string_count = static_cast<std::uint32_t>(strings.size());
    Pen pen(reinterpret_cast<std::byte*>(r + 1));
    for (const auto& s : strings) pen.string(s);
    return offset;
  };
  const Offset offset = find_or_link(hash, Kind::kSeries, same, make);
  const auto* r = window_.at<SeriesRecord>(offset);
  const Geometry& g = segment_.geometry();
  const std::uint32_t cells =
      layout::cell_count(d.type, static_cast<std::uint32_t>(d.bounds.size()));
  const std::uint64_t first = r->first_cell;
  if (first > g.cells || cells > g.cells - first) {
    throw Error(METRICS_INCOMPATIBLE,
                "the directory of " + segment_.file() + " is damaged; delete the file");
  }
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
