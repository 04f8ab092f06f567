// series.cpp -- series of families: finds them by their label values, states infos, removes series.
#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "libmetrics/api/arguments.h"
#include "libmetrics/api/errors.h"
#include "libmetrics/api/log.h"
#include "libmetrics/api/segments.h"
#include "libmetrics/format/label_values.h"
#include "libmetrics/format/records.h"
#include "libmetrics/format/types.h"
#include "libmetrics/setup/registry.h"
#include "libmetrics/update/process.h"
#include "libmetrics/update/slow_path.h"
#include "metrics/hot.h"
#include "metrics/metrics.h"

namespace metrics::api {
namespace {

// The handles of refused families and series. Updates through them count nothing.
constinit metrics_counter inert_counter = {METRICS_NOWHERE};
constinit metrics_gauge inert_gauge = {METRICS_NOWHERE, nullptr};
constinit metrics_histogram inert_histogram = {
    METRICS_NOWHERE,
    0,
    0,
    nullptr,
    [](std::uint64_t*, const metrics_histogram*, double) {},
    [](const double*, std::uint32_t, double) { return 0u; }};

[[noreturn]] void refuse_count(const format::Definition& d, std::size_t count) {
  std::string names;
  for (const auto& label : d.labels) names += (names.empty() ? "" : ", ") + label;
  format::refuse("\"" + d.name + "\" takes " + std::to_string(d.labels.size()) + " label values (" +
                 names + "), not " + std::to_string(count));
}

// Throws Error(METRICS_INVALID) if the family is NULL or takes another number of label values.
void check_family(const setup::Family* family, std::size_t count) {
  const format::Definition& d = definition_of(family);
  // Each series of an info has label names of its own.
  if (format::values_of(d.type) != format::Values::kInfo && count != d.labels.size()) {
    refuse_count(d, count);
  }
}

// Throws Error(METRICS_INVALID) also if the family is not of one of these types.
void check_family(const setup::Family* family, std::initializer_list<format::Type> types,
                  std::size_t count) {
  const format::Definition& d = definition_of(family);
  if (std::find(types.begin(), types.end(), d.type) == types.end()) {
    format::refuse("\"" + d.name + "\" is " + (d.type == format::Type::kInfo ? "an " : "a ") +
                   std::string(format::to_string(d.type)) + ", no other type");
  }
  check_family(family, count);
}

// Returns the status of a series whose family has no place in the directory. METRICS_OK if the
// segment was not joined, since that is the segment's status and not each series'. METRICS_CONFLICT
// if the directory has refused the family; the reason was logged then.
metrics_status uncounted(const setup::Family& family) {
  if (family.registry.segment() == nullptr) return METRICS_OK;
  return failed(METRICS_CONFLICT,
                ("family \"" + family.definition.name + "\" was refused").c_str());
}

// Notes that a handle is given out: to whom decides how long it must stay valid.
void note_user(update::Users& users) noexcept {
  if (update::under_lock) {
    users.count.fetch_add(1, std::memory_order_relaxed);
  } else if (!users.is_kept.load(std::memory_order_relaxed)) {
    users.is_kept.store(true, std::memory_order_relaxed);
  }
}

// Returns what is handed out for label values that the process does not know, if they are beyond
// the family's limit: the handle of the overflow series, or else `inert`, with `status`. Returns
// nullptr if they are not. Strangers may send ever new ones: this is all that is done for one of
// them.
template <class Hot, class Handle>
[[gnu::noinline]] Handle* beyond_limit(setup::Family& family, const setup::Limit& limit,
                                       std::span<const std::string_view> strings,
                                       std::uint64_t hash, Handle& inert,
                                       metrics_status& status) noexcept {
  try {
    if (!family.registry.is_beyond_limit(family, strings, hash)) return nullptr;
  } catch (const format::Error&) {
    return nullptr;  // is met again, and reported, where a series is made
  }
  if (limit.overflow) {
    log_limit_once(family, limit.text.c_str());
    Hot* overflow = *std::get_if<Hot*>(&*limit.overflow);
    note_user(overflow->users);
    return overflow;
  }
  status = failed(METRICS_FULL, limit.text.c_str());
  log_once(family, status);
  return &inert;
}

// Returns the handle of the series if the process has it: the fast path. Anything unusual returns
// nullptr and is diagnosed by with_handle(), except for label values beyond the limit.
template <class Hot, format::Type... kTypes, class Handle>
[[gnu::always_inline]] inline Handle* known_handle(metrics_family* handle,
                                                   const char* const* values, std::size_t count,
                                                   Handle& inert, metrics_status& status) noexcept {
  constexpr std::size_t kFew = 4;
  setup::Family* family = family_of(handle);
  if (family == nullptr || count > kFew || count != family->definition.labels.size() ||
      ((family->definition.type != kTypes) && ...) || !update::is_seen()) {
    return nullptr;
  }
  std::array<std::string_view, kFew> strings;
  const format::HashKey& key = family->hash_key;
  std::uint64_t hash = key[1];  // strings_hash(), in the loop that takes the lengths
  for (std::size_t i = 0; i < count; ++i) {
    if (values == nullptr || values[i] == nullptr) return nullptr;
    strings[i] = values[i];
    hash = format::hash_string(strings[i], hash, key);
  }
  const setup::Series* series = family->table.find(hash, {strings.data(), count});
  Hot* found =
      series == nullptr || series->is_removed() ? nullptr : *std::get_if<Hot*>(&series->handle);
  update::seen();  // what the table had taken out meanwhile is not read any more
  if (found == nullptr) {
    if (const setup::Limit* limit = family->limit(); limit != nullptr) {
      return beyond_limit<Hot>(*family, *limit, {strings.data(), count}, hash, inert, status);
    }
    return nullptr;
  }
  note_user(found->users);
  return found;
}

// Returns the status of a look-up, and passes the handle that it has found to `take`.
template <class Take>
metrics_status taken(setup::Family& family, const setup::Registry::Looked& looked, Take take) {
  using At = setup::Registry::Looked::At;
  if (looked.at == At::kFull) log_once(family, looked.why->status(), looked.why->what());
  if (!looked.handle) return failed(METRICS_FULL, family.limit()->text.c_str());
  if (looked.at == At::kBeyond) log_limit_once(family, family.limit()->text.c_str());
  take(*looked.handle);
  return METRICS_OK;
}

// Finds or makes the series and passes its handle to `take`. If that fails, logs the reason, once
// for each family and status, unless the caller is at fault or the family was refused.
template <class Take>
metrics_status with_handle(metrics_family* handle, std::initializer_list<format::Type> types,
                           const char* const* values, std::size_t count, Take take) noexcept {
  setup::Family* family = family_of(handle);
  const metrics_status status = to_status([&] {
    check_family(family, types, count);
    if (family->offset() == 0) return uncounted(*family);
    setup::Registry& registry = family->registry;
    std::array<std::string_view, 8> few;  // no allocation for up to 8 labels
    metrics_status found = METRICS_OK;
    if (count <= few.size()) {
      for (std::size_t i = 0; i < count; ++i) few[i] = text_of(values, i);
      found = taken(*family, registry.series(*family, {few.data(), count}), take);
    } else {
      found = taken(*family, registry.series(*family, views(values, count)), take);
    }
    log_claim(registry);
    return found;
  });
  if (family == nullptr) return status;
  if (family->has_cut.load(std::memory_order_relaxed)) log_cut_once(*family);
  if (worth_logging(status) && family->offset() != 0) log_once(*family, status);
  return status;
}

// Does the work of `labels` for a series that the process does not have yet. It is out of line, so
// that only it saves the registers that it needs.
template <class Hot, format::Type... kTypes, class Handle>
[[gnu::noinline]] metrics_status new_labels(metrics_family* family, const char* const* values,
                                            std::size_t count, Handle** out,
                                            Handle& inert) noexcept {
  *out = nullptr;
  const metrics_status status =
      with_handle(family, {kTypes...}, values, count, [&](setup::Handle handle) {
        Hot* found = std::get<Hot*>(handle);
        note_user(found->users);
        *out = found;
      });
  if (*out == nullptr && status != METRICS_INVALID) *out = &inert;
  return status;
}

// Stores the handle of the series with these label values in *out. The family must be of one of
// kTypes, whose series hold a Hot. After a failure, *out is nullptr or `inert`.
template <class Hot, format::Type... kTypes, class Handle>
metrics_status labels(metrics_family* family, const char* const* values, std::size_t count,
                      Handle** out, Handle& inert) noexcept {
  metrics_status status = METRICS_OK;
  if (Handle* known = known_handle<Hot, kTypes...>(family, values, count, inert, status);
      known != nullptr) [[likely]] {
    *out = known;
    return status;
  }
  return new_labels<Hot, kTypes...>(family, values, count, out, inert);
}

}  // namespace
}  // namespace metrics::api

using namespace metrics;
using namespace metrics::api;

extern "C" {

metrics_status metrics_counter_labels(metrics_family* family, const char* const* values,
                                      size_t count, metrics_counter** out) {
  return labels<update::Counter, format::Type::kCounter>(family, values, count, out, inert_counter);
}

metrics_status metrics_gauge_labels(metrics_family* family, const char* const* values, size_t count,
                                    metrics_gauge** out) {
  return labels<update::Gauge, format::Type::kGauge>(family, values, count, out, inert_gauge);
}

metrics_status metrics_histogram_labels(metrics_family* family, const char* const* values,
                                        size_t count, metrics_histogram** out) {
  return labels<update::Histogram, format::Type::kHistogram, format::Type::kSummary>(
      family, values, count, out, inert_histogram);
}

metrics_status metrics_stateset_labels(metrics_family* family, const char* const* values,
                                       size_t count, metrics_stateset** out) {
  metrics_gauge* gauge = nullptr;
  const metrics_status status =
      labels<update::Gauge, format::Type::kStateSet>(family, values, count, &gauge, inert_gauge);
  *out = reinterpret_cast<metrics_stateset*>(gauge);
  return status;
}

size_t metrics_stateset_index(const metrics_family* family, const char* state) {
  if (family == nullptr || state == nullptr) return METRICS_NO_STATE;
  const std::vector<std::string>& states = family_of(family)->definition.states;
  const auto found = std::find(states.begin(), states.end(), std::string_view(state));
  return found == states.end() ? METRICS_NO_STATE
                               : static_cast<std::size_t>(found - states.begin());
}

metrics_status metrics_info_state(metrics_family* family, const char* const* names,
                                  const char* const* values, size_t count) {
  return to_status([&] {
    const std::string name = family == nullptr ? "x" : family_of(family)->definition.name;
    format::Definition d{format::Type::kInfo, name, {}, {}, {}, {}, {}};
    std::vector<const char*> pairs;
    for (std::size_t i = 0; i < count; ++i) {
      d.labels.emplace_back(text_of(names, i));
      pairs.insert(pairs.end(), {names[i], text_of(values, i).data()});
    }
    sort_pairs(pairs);
    format::checked(std::move(d));  // the label names are this series' own
    return with_handle(family, {format::Type::kInfo}, pairs.data(), pairs.size(),
                       [](setup::Handle handle) {
                         auto* statement = std::get<update::Gauge*>(handle);
                         statement->hand_down(1);
                         update::set_slowly(statement, 1);
                       });
  });
}

metrics_status metrics_order_labels(const metrics_family* handle, const char* const* names,
                                    const char* const* values, size_t count, const char** ordered) {
  return to_status([&] {
    const format::Definition& d = definition_of(family_of(handle));
    if (count != d.labels.size()) refuse_count(d, count);
    std::fill_n(ordered, count, nullptr);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view name = text_of(names, i);
      const auto label = std::find(d.labels.begin(), d.labels.end(), name);
      if (label == d.labels.end()) {
        format::refuse("\"" + d.name + "\" has no label \"" + std::string(name) + '"');
      }
      const char*& place = ordered[label - d.labels.begin()];
      if (place != nullptr) {
        format::refuse("label \"" + std::string(name) + "\" of \"" + d.name +
                       "\" is given twice; remove one");
      }
      place = text_of(values, i).data();
    }
    return METRICS_OK;
  });
}

const uint64_t* metrics_series_state(const metrics_family* handle, const char* const* values,
                                     size_t count, uint64_t* live) {
  *live = 0;
  const uint64_t* state = nullptr;
  to_status([&] {
    const setup::Family* family = family_of(handle);
    if (family == nullptr || count != family->definition.labels.size()) return METRICS_OK;
    const auto held = format::label_values(views(values, count)).texts;  // as the table has them
    const std::vector<std::string_view> strings(held.begin(), held.end());
    state = reinterpret_cast<const uint64_t*>(family->registry.state(*family, strings, *live));
    return METRICS_OK;
  });
  return state;
}

void metrics_release(metrics_family* family, const void* handle) {
  if (family == nullptr || handle == nullptr || handle == &inert_counter ||
      handle == &inert_gauge || handle == &inert_histogram) {
    return;
  }
  auto* at = const_cast<void*>(handle);
  setup::Registry& registry = family_of(family)->registry;
  switch (format::values_of(family_of(family)->definition.type)) {
    case format::Values::kWholeAndFraction:
      return registry.release(static_cast<update::Counter*>(at));
    case format::Values::kCounts:
      return registry.release(static_cast<update::Histogram*>(at));
    case format::Values::kGauge:
    case format::Values::kInfo:
    case format::Values::kState:
      return registry.release(static_cast<update::Gauge*>(at));
  }
}

void metrics_under_lock(int under) { update::under_lock = under != 0; }

void metrics_quiescent(void) { update::seen(); }

metrics_status metrics_remove(metrics_family* handle, const char* const* values, size_t count) {
  return to_status([&] {
    setup::Family* family = family_of(handle);
    check_family(family, count);
    auto strings = views(values, count);
    if (format::values_of(family->definition.type) == format::Values::kInfo) sort_pairs(strings);
    if (family->offset() != 0) family->registry.remove(*family, strings);
    return METRICS_OK;
  });
}

metrics_status metrics_clear(metrics_family* handle) {
  return to_status([&] {
    setup::Family* family = family_of(handle);
    definition_of(family);  // throws if there is none
    if (family->offset() != 0) family->registry.clear(*family);
    return METRICS_OK;
  });
}

}  // extern "C"
