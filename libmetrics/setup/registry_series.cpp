// registry_series.cpp -- the series of a family in this process: how they are looked up, made,
// limited and removed, and when what is kept of removed ones is freed.
#include <algorithm>
#include <cerrno>
#include <new>
#include <type_traits>

#include "libmetrics/format/error.h"
#include "libmetrics/format/gauge_value.h"
#include "libmetrics/format/label_values.h"
#include "libmetrics/format/types.h"
#include "libmetrics/setup/join.h"
#include "libmetrics/setup/registry.h"
#include "libmetrics/setup/series_count.h"
#include "libmetrics/update/locked.h"
#include "libmetrics/update/process.h"
#include "libmetrics/update/threads.h"

namespace metrics::setup {

// Finds the family's limit and its overflow series, unless they are known. The caller must hold the
// mutex.
void Registry::find_limit(Family& family) {
  const format::FamilyRecord& record = Directory(*segment_).family_record(family.offset());
  const format::Definition& d = family.definition;
  const bool has_overflow = format::has_overflow(d.type, d.labels.size(), record.max_series);
  const Limit* known = family.limit();
  if (record.max_series == 0 || (known != nullptr && known->overflow.has_value() == has_overflow)) {
    return;
  }
  Limit limit{record, has_overflow ? overflow_of(family) : std::nullopt, {}};
  if (known != nullptr && !limit.overflow) return;
  limit.text =
      '"' + d.name + "\" has as many series as it may have, " + std::to_string(record.max_series) +
      " (max_series): " +
      (limit.overflow
           ? "what has other label values is counted in the series whose label values are " +
                 std::string(format::kOverflowValue)
           : "series with other label values count nothing") +
      "; use fewer label values, remove() what is done with, or create the segment anew "
      "with a larger max_series or METRICS_MAX_SERIES";
  family.set_limit(std::move(limit));
}

// Returns the handle of the family's overflow series, which it registers if it is new; an empty
// optional if there is no room for it. The caller must hold the mutex.
std::optional<Handle> Registry::overflow_of(Family& family) {
  const std::vector<std::string_view> values(family.definition.labels.size(),
                                             format::kOverflowValue);
  const std::uint64_t hash = format::strings_hash(values, family.hash_key);
  begin_look_up();
  Series* known = family.table.find(hash, values);
  std::optional<Handle> handle;
  if (known != nullptr && !known->is_removed()) {
    handle = known->handle;
  } else {
    try {
      handle = add_series(family, {values.begin(), values.end()}, hash, known);
    } catch (const std::exception&) {  // the family's next definition tries again
      return std::nullopt;
    }
    known = family.table.find(hash, values);
  }
  Directory(*segment_).set_overflow(family.offset(), known->state);
  return handle;
}

// Comes first in all that adds series. The caller must hold the mutex.
void Registry::begin_look_up() noexcept {
  numbered();
  update::take_place();
  own_slots_->handles().look(segment_->header());
  update::seen();
  free_forgotten();
}

bool Registry::is_beyond_limit(const Family& family, std::span<const std::string_view> strings,
                               std::uint64_t hash) const {
  const Limit* limit = family.limit();
  const Directory directory(*segment_);
  // Values that stand otherwise in the segment have another hash there.
  if (limit == nullptr || !is_at_limit(limit->record) ||
      !std::all_of(strings.begin(), strings.end(), format::is_label_value) ||
      directory.has_series(family.offset(), hash)) {
    return false;
  }
  directory.refused(format::Drop::kLimit, family.definition, family.offset());
  return true;
}

namespace {

Registry::Looked beyond_limit(const Family& family) noexcept {
  return {family.limit()->overflow, Registry::Looked::At::kBeyond, {}};
}

}  // namespace

Registry::Looked Registry::series(Family& family, std::span<const std::string_view> strings) {
  std::uint64_t hash = format::strings_hash(strings, family.hash_key);
  if (update::is_seen()) {
    const Series* known = family.table.find(hash, strings);
    const bool is_there = known != nullptr && !known->is_removed();
    const Handle handle = is_there ? known->handle : Handle();
    update::seen();
    if (is_there) return {handle, Looked::At::kOwn, {}};
  }
  if (is_beyond_limit(family, strings, hash)) return beyond_limit(family);
  // Two spellings that become equal when they are repaired or cut are one series. It must be one
  // handle too, since that holds a gauge's own value.
  auto [values, cut] = format::label_values(strings);
  if (cut) {
    // Counted at each look-up, since each may have brought another value to this same series.
    Directory(*segment_).refused(format::Drop::kLabelValueCut, family.definition, family.offset());
    family.has_cut.store(true, std::memory_order_relaxed);
  }
  const std::vector<std::string_view> repaired(values.begin(), values.end());
  hash = format::strings_hash(repaired, family.hash_key);
  if (is_beyond_limit(family, repaired, hash)) return beyond_limit(family);
  const update::Locked lock(ready_process().mutex);
  begin_look_up();
  Series* known = family.table.find(hash, repaired);  // another thread may have been first
  if (known != nullptr && !known->is_removed()) return {known->handle, Looked::At::kOwn, {}};
  try {
    const auto handle = add_series(family, std::move(values), hash, known);
    if (handle) return {handle, Looked::At::kOwn, {}};
    Directory(*segment_).refused(format::Drop::kLimit, family.definition, family.offset());
    return beyond_limit(family);
  } catch (const format::Error& e) {
    const bool is_full = e.status() == METRICS_FULL || e.status() == METRICS_NO_SPACE;
    const Limit* limit = family.limit();
    if (!is_full || limit == nullptr || !limit->overflow) throw;
    return {limit->overflow, Looked::At::kFull, e};
  }
}

// Returns how removed series' records may be used by this process. The caller must hold the mutex.
Reuse Registry::reuse() {
  const update::ProcessClaim& claim = update::process().claims[index_];
  const bool owns =
      claim.state.load(std::memory_order_relaxed) == update::ProcessClaim::State::kOwned;
  return {*own_slots_, owns ? claim.owner : format::Owner{}, unshared_};
}

// Everything that may fail comes first: a handle that leads to a series, or a series in the table,
// is there to stay. `removed` is the entry for the same label values, nullptr if there is none.
// Returns an empty optional if the family has as many series as it may have.
std::optional<Handle> Registry::add_series(Family& family, std::vector<std::string> values,
                                           std::uint64_t hash, Series* removed) {
  update::Handles& handles = own_slots_->handles();
  if (removed != nullptr && !removed->leads_nowhere()) handles.lead_nowhere(removed->index);
  std::list<Forgotten> forgotten(1);
  auto series = std::make_unique<Series>();
  series->hash = hash;
  series->key = key_of(std::vector<std::string_view>(values.begin(), values.end()));
  if (const std::size_t room = handles.room_needed(); room > 0) {
    handles.take_room(std::make_unique<update::Handles::Handle[]>(room));
  }
  handle_memory_.make_room();
  const std::optional<Directory::Found> found = bound(family, values, hash);
  if (!found) return std::nullopt;
  SeriesTable::Replaced& replaced = forgotten.front().content;
  replaced = family.table.make_room();

  const auto again = std::find_if(replaced.series.begin(), replaced.series.end(),
                                  [&](const auto& s) { return s.get() == removed; });
  if (again != replaced.series.end()) std::swap(forgotten.front().same, *again);
  const Handle handle = removed != nullptr ? removed->handle : new_handle(family);
  series->handle = handle;
  series->state = found->state;
  series->live = found->live;
  lead(*series, *found);
  if (auto same = family.table.put(std::move(series)); same != nullptr) {
    forgotten.front().same = std::move(same);
  }
  if (!replaced.empty() || forgotten.front().same != nullptr) {
    forgotten.front().look = update::next_look();
    forgotten_.splice(forgotten_.end(), forgotten);
  }
  return handle;
}

// Registers the series and binds it to pages.
std::optional<Directory::Found> Registry::bound(const Family& family,
                                                std::span<const std::string> values,
                                                std::uint64_t hash) {
  const format::Definition& d = family.definition;
  const Directory directory(*segment_);
  Reuse reuse = this->reuse();
  const auto found = directory.series(family.offset(), d, values, hash, reuse);
  if (found && !own_slots_->bind(found->first_cell, found->cells)) {
    const int error = errno;
    directory.refused(format::Drop::kSeriesNoSpace, d, family.offset());
    fail_joined(error, "can't reserve memory for a series of \"" + d.name + "\" in " + file_);
  }
  return found;
}

// Returns a handle for a series of that family, which leads nowhere yet.
Handle Registry::new_handle(const Family& family) noexcept {
  void* at = handle_memory_.take();
  const format::Definition& d = family.definition;
  switch (format::values_of(d.type)) {
    case format::Values::kWholeAndFraction:
      return new (at) update::Counter{{METRICS_NOWHERE}, nullptr, 0, {}};
    case format::Values::kCounts:
      return new (at) update::Histogram{
          {METRICS_NOWHERE, format::histogram_sum(family.bounds.count()), family.bounds.padded(),
           family.bounds.data(), family.bounds.search().observe, family.bounds.search().find},
          nullptr,
          0,
          {}};
    case format::Values::kGauge:
      return new (at) update::Gauge(d.mode, family.offset());
    case format::Values::kState:
      return new (at) update::Gauge(d.mode, family.offset(), d.states.size());
    case format::Values::kInfo:
      break;
  }
  const bool stays = format::is_most_recent(d.mode);
  return new (at)
      update::Gauge(stays ? format::Mode::kMostRecent : format::Mode::kLiveMax, family.offset());
}

// Leads the series' handle to its cells.
void Registry::lead(Series& series, const Directory::Found& found) noexcept {
  std::visit(
      [&](auto* handle) {
        update::Gauge* gauge = nullptr;
        if constexpr (std::is_same_v<decltype(handle), update::Gauge*>) {
          gauge = handle;
          gauge->reset();
        } else {
          __atomic_store_n(&handle->state, found.state, __ATOMIC_RELEASE);
          __atomic_store_n(&handle->live, found.live, __ATOMIC_RELEASE);
        }
        own_slots_->add({found.state, found.live, &handle->place, gauge, &series.index}, found.born,
                        found.first_cell << 32 | index_);
      },
      series.handle);
}

// Frees what was taken out of tables, and the handles that nobody can have any more. The caller
// must hold the mutex.
void Registry::free_forgotten() noexcept {
  while (!forgotten_.empty() && update::all_seen(forgotten_.front().look)) {
    Forgotten& f = forgotten_.front();
    for (const auto& series : f.content.series) {
      if (series == nullptr) continue;
      users_of(series->handle).is_orphan = true;
      give_back_unused(series->handle);
    }
    forgotten_.pop_front();
  }
}

void Registry::give_back_unused(Handle handle) noexcept {
  const update::Users& users = users_of(handle);
  if (!users.is_orphan || users.is_kept || users.count != 0) return;
  if (!update::process().claims[index_].pending.empty()) return;  // it may be among them
  handle_memory_.give_back(handle);
}

const format::Cell* Registry::state(const Family& family, std::span<const std::string_view> strings,
                                    std::uint64_t& live) const noexcept {
  const update::Locked lock(update::process().mutex);
  const Series* series = family.table.find(format::strings_hash(strings, family.hash_key), strings);
  if (series == nullptr) return nullptr;
  live = series->live;
  return series->state;
}

void Registry::release(Handle handle) noexcept {
  const update::Locked lock(update::process().mutex);
  update::Users& users = users_of(handle);
  if (users.count > 0) --users.count;
  // Nobody but callers under the same lock can have it: no update of it is under way.
  const std::uint64_t look = update::next_look();
  update::seen();
  if (update::all_seen(look)) give_back_unused(handle);
}

void Registry::remove(Family& family, std::span<const std::string_view> strings) {
  const std::vector<std::string> values = format::label_values(strings).texts;
  const std::vector<std::string_view> repaired(values.begin(), values.end());
  const update::Locked lock(ready_process().mutex);
  numbered();
  const auto removed = Directory(*segment_).remove(family.definition, values);
  const Series* known =
      family.table.find(format::strings_hash(repaired, family.hash_key), repaired);
  update::Handles& handles = own_slots_->handles();
  for (const Directory::Removed& r : removed) {
    if (r.family != family.offset()) continue;  // handles of other editions: at the next look
    if (known != nullptr && known->state == r.state && !known->leads_nowhere()) {
      handles.lead_nowhere(known->index);
    }
    handles.looked_at(r.date);
  }
}

void Registry::clear(Family& family) {
  const update::Locked lock(ready_process().mutex);
  numbered();
  const Directory directory(*segment_);
  update::Handles& handles = own_slots_->handles();
  // First what this process has looked up, which it finds without a look at the whole directory.
  family.table.each([&](const Series& s) {
    if (s.leads_nowhere()) return;
    const std::uint64_t date = directory.remove_known(family.offset(), s.state, s.live);
    if (date == 0) return;
    handles.lead_nowhere(s.index);
    handles.looked_at(date);
  });
  directory.remove_all(family.definition);
}

}  // namespace metrics::setup
