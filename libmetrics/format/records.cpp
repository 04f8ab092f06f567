#include "libmetrics/format/records.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "libmetrics/format/clock.h"
#include "libmetrics/format/error.h"
#include "libmetrics/format/exemplar.h"

namespace metrics::format {
// A record of version 2.0 is read as a whole FamilyRecord: it has as many bytes with its strings.
static_assert(sizeof(FamilyRecord) <= kFamilyFixed20 + 3 * sizeof(std::uint32_t));
static_assert(sizeof(SeriesRecord) == kSeriesFixed20);
namespace {

// Reads what follows a record's fixed part. Once something did not fit, ok() stays false.
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
    if (size > kMaxStringBytes) ok_ = false;
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

// Writes what follows a record's fixed part, for which the caller has reserved enough bytes.
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

void begin_record(Record& record, std::uint64_t bytes, Kind kind, std::size_t fixed,
                  std::uint64_t hash) {
  record.bytes = static_cast<std::uint32_t>(bytes);
  record.kind = kind;
  record.fixed = static_cast<std::uint16_t>(fixed);
  record.hash = hash;
}

// Returns the record of that kind at an offset, and the bytes that follow its fixed part in `rest`;
// nullptr, with a sentence in *fault unless that is null, if the bytes there can't be one. `least`
// bytes of T are fixed in version 2.0; a fixed part that is longer than T is a later version's.
template <class T>
const T* record_at(const Window& window, Offset offset, Kind kind, std::uint16_t least,
                   std::span<const std::byte>& rest, std::string* fault) {
  const auto no = [&](const char* why) -> const T* {
    if (fault != nullptr) *fault = "record at " + std::to_string(offset) + ' ' + why;
    return nullptr;
  };
  const T* r = window.at<T>(offset);
  if (r == nullptr) return no("does not lie in the directory");
  if (r->record.kind != kind) return no("is of another kind");
  const std::uint32_t bytes = r->record.bytes;
  if (bytes < sizeof(T) || bytes > kMaxRecordBytes || bytes % 8 != 0) {
    return no("has an impossible size");
  }
  const auto all = window.bytes(offset, bytes);
  if (all.empty()) return no("reaches beyond the directory");
  const std::uint16_t fixed = r->record.fixed;
  if (fixed < least || fixed > bytes || fixed % 8 != 0)
    return no("has a fixed part of an impossible size");
  rest = all.subspan(fixed);
  return r;
}

}  // namespace

std::string_view name_at(const Window& window, Offset family) noexcept {
  std::span<const std::byte> rest;
  const auto* r =
      record_at<FamilyRecord>(window, family, Kind::kFamily, kFamilyFixed20, rest, nullptr);
  if (r == nullptr) return {};
  const std::uint64_t before = std::uint64_t{r->bound_count} * sizeof(double);
  if (before > rest.size()) return {};
  const auto name = strings_in(rest.subspan(before), 1);
  return name ? name->front() : std::string_view();
}

std::optional<FamilyView> family_at(const Window& window, Offset offset, std::string* fault) {
  std::span<const std::byte> rest;
  const auto* r =
      record_at<FamilyRecord>(window, offset, Kind::kFamily, kFamilyFixed20, rest, fault);
  if (r == nullptr) return std::nullopt;
  FamilyView f{};
  f.offset = offset;
  f.type = r->type;
  f.mode = r->mode;
  f.opened = r->opened.load(std::memory_order_relaxed);
  f.refusals = r->refusals.load(std::memory_order_relaxed);
  f.max_series = r->max_series;
  f.overflow = r->overflow.load(std::memory_order_relaxed);
  f.places = r->places;
  const bool has_registrant =
      r->record.fixed >= offsetof(FamilyRecord, registrant) + sizeof r->registrant;
  f.registrant = has_registrant ? r->registrant : 0;
  const std::uint16_t label_count = r->label_count;
  const std::uint32_t bound_count = r->bound_count;
  const std::uint16_t state_count = r->state_count;
  const auto no = [&](const char* why) -> std::optional<FamilyView> {
    if (fault != nullptr) *fault = "family at " + std::to_string(offset) + ' ' + why;
    return std::nullopt;
  };
  // A later version's: not a fault.
  if (find_row(f.type) == nullptr || static_cast<std::uint8_t>(f.mode) >= kModeCount ||
      r->native > kNativeOfBothSigns) {
    return std::nullopt;
  }
  if (r->native != 0) {
    f.native = Native{r->schema, r->low, r->high, r->native == kNativeOfBothSigns};
  }
  if (label_count > kMaxLabels || bound_count > kMaxBounds || state_count > kMaxStates) {
    return no("has too many labels, bounds or states");
  }
  Cursor cursor(rest);
  f.bounds = cursor.doubles(bound_count);
  f.name = cursor.string();
  f.help = cursor.string();
  f.unit = cursor.string();
  for (std::uint32_t i = 0; i < label_count; ++i) f.labels.push_back(cursor.string());
  for (std::uint32_t i = 0; i < state_count; ++i) f.states.push_back(cursor.string());
  if (!cursor.ok()) return no("has strings that reach beyond its record");
  // The registrant has checked the definition, but the bytes may be another program's, and an
  // exposition must stay valid: it is checked again. The ending that checked() removes is put back
  // first, since one that is still there is part of the name (a counter `x_total_total`).
  const std::string_view ending = row_of(f.type).name_ending;
  try {
    const Definition d = checked({f.type,
                                  std::string(f.name).append(ending),
                                  std::string(f.help),
                                  std::string(f.unit),
                                  {f.labels.begin(), f.labels.end()},
                                  {f.bounds.begin(), f.bounds.end()},
                                  f.mode,
                                  0,
                                  f.native,
                                  {f.states.begin(), f.states.end()}});
    if (d.name != f.name || d.bounds.size() != bound_count)
      return no("is not as families are kept");
    f.cells = cell_count(d);
  } catch (const Error& e) {
    return no(e.what());
  }
  return f;
}

std::optional<Strings> strings_in(std::span<const std::byte> bytes, std::uint32_t count) noexcept {
  if (count > 2 * kMaxLabels) return std::nullopt;
  Cursor cursor(bytes);
  std::uint64_t size = 0;
  for (std::uint32_t i = 0; i < count; ++i) size += string_bytes(cursor.string());
  if (!cursor.ok()) return std::nullopt;
  return Strings(bytes.first(size), count);
}

std::optional<SeriesView> series_at(const Window& window, Offset offset, std::string* fault) {
  std::span<const std::byte> rest;
  const auto* r =
      record_at<SeriesRecord>(window, offset, Kind::kSeries, kSeriesFixed20, rest, fault);
  if (r == nullptr) return std::nullopt;
  SeriesView s{offset,
               r->family,
               r->first_cell,
               r->first_place,
               r->cell_count,
               r->places,
               r->created_ns,
               {},
               r->record.state.load(std::memory_order_relaxed)};
  const auto no = [&](const char* why) -> std::optional<SeriesView> {
    if (fault != nullptr) *fault = "series at " + std::to_string(offset) + ' ' + why;
    return std::nullopt;
  };
  // A later version may put the strings elsewhere.
  const auto strings = strings_in(window.bytes(r->strings, r->room), r->string_count);
  if (!strings) return no("has strings that reach beyond its room, or out of the directory");
  s.strings = *strings;
  if (r->cells_room < r->cell_count) return no("has more cells than room for them");
  if (!has_places_in_room(*r)) s.first_place = s.places = 0;
  return s;
}

std::uint64_t family_bytes(const Definition& d) noexcept {
  std::uint64_t bytes = sizeof(FamilyRecord) + d.bounds.size() * sizeof(double) +
                        string_bytes(d.name) + string_bytes(d.help) + string_bytes(d.unit);
  for (const auto& label : d.labels) bytes += string_bytes(label);
  for (const auto& state : d.states) bytes += string_bytes(state);
  return record_bytes(bytes);
}

void write_family(std::byte* at, const Definition& d, std::uint64_t hash, std::uint64_t opened,
                  std::uint32_t registrant) noexcept {
  auto* r = reinterpret_cast<FamilyRecord*>(at);
  begin_record(r->record, family_bytes(d), Kind::kFamily, sizeof *r, hash);
  r->opened.store(opened, std::memory_order_relaxed);
  r->registrant = registrant;
  r->type = d.type;
  r->mode = d.mode;
  r->label_count = static_cast<std::uint16_t>(d.labels.size());
  r->bound_count = static_cast<std::uint32_t>(d.bounds.size());
  r->max_series = d.max_series;
  if (d.native) {
    r->native = d.native->negative ? kNativeOfBothSigns : kNativeOfPositives;
    r->schema = static_cast<std::int8_t>(d.native->schema);
    r->low = static_cast<std::int16_t>(d.native->low);
    r->high = static_cast<std::int16_t>(d.native->high);
  }
  r->state_count = static_cast<std::uint16_t>(d.states.size());
  if (d.exemplars) r->places = place_count(d.type, r->bound_count, d.native.has_value());
  Pen pen(reinterpret_cast<std::byte*>(r + 1));
  pen.bytes(d.bounds.data(), d.bounds.size() * sizeof(double));
  for (const auto* text : {&d.name, &d.help, &d.unit}) pen.string(*text);
  for (const auto& label : d.labels) pen.string(label);
  for (const auto& state : d.states) pen.string(state);
}

std::uint32_t room_for(std::span<const std::string> strings) noexcept {
  std::uint64_t bytes = 0;
  for (const auto& s : strings) bytes += string_bytes(s);
  if (bytes == 0) return 0;
  constexpr std::uint64_t kMostRounded = 4096;  // more would waste much
  const std::uint64_t room = bytes <= kMostRounded ? std::bit_ceil(bytes) : record_bytes(bytes);
  return std::max(kLeastRoom, static_cast<std::uint32_t>(room));
}

void begin_series(std::byte* file, Offset offset, std::uint32_t room) noexcept {
  auto* r = reinterpret_cast<SeriesRecord*>(file + offset);
  begin_record(r->record, sizeof *r + room, Kind::kSeries, sizeof *r, 0);
  r->strings = offset + sizeof *r;
  r->room = room;
}

std::uint32_t cells_with_places(std::uint32_t cell_count, std::uint32_t places) noexcept {
  return cell_count + places * kPlaceCells;
}

std::uint64_t SeriesView::end_cell() const noexcept {
  return places == 0 ? first_cell + cell_count : first_place + std::uint64_t{places} * kPlaceCells;
}

bool has_places_in_room(const SeriesRecord& r) noexcept {
  const std::uint64_t before = r.first_place - r.first_cell;  // it may wrap: any bytes may be there
  return r.places <= kMaxPlaces && before >= r.cell_count && before <= r.cells_room &&
         std::uint64_t{r.places} * kPlaceCells <= r.cells_room - before;
}

void fill_series(std::byte* file, Offset offset, const SeriesContent& content) noexcept {
  auto* r = reinterpret_cast<SeriesRecord*>(file + offset);
  // A look-up beyond a limit may read it meanwhile, without a lock.
  __atomic_store_n(&r->record.hash, content.hash, __ATOMIC_RELAXED);
  r->family = content.family;
  r->cell_count = content.cell_count;
  r->first_place = content.places == 0 ? 0 : r->first_cell + content.cell_count;
  r->places = content.places;
  r->string_count = static_cast<std::uint32_t>(content.strings.size());
  r->created_ns = now_ns();
  r->registrant = registrant_word(content.registrant, r->created_ns);
  r->born = content.born;
  r->holder.store(content.holder, std::memory_order_relaxed);
  Pen pen(file + r->strings);
  for (const auto& s : content.strings) pen.string(s);
}

}  // namespace metrics::format
