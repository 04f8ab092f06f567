// c_api.cpp -- the C ABI over writer and threads: exceptions become statuses here, and nowhere else.
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "libmetrics/format/error.h"
#include "libmetrics/setup/registry.h"
#include "libmetrics/update/buckets.h"
#include "libmetrics/update/threads.h"
#include "metrics/hot.h"
#include "metrics/metrics.h"

namespace metrics::core {
namespace {

// The thread's last error: a string that lives in the thread's value of a key. A thread_local would be destroyed
// before the last destructor that may still ask for it.
// None if all keys are in use: a number that is nobody's would be somebody else's key.
std::optional<pthread_key_t> error_key() noexcept {
  static const std::optional<pthread_key_t> key = []() -> std::optional<pthread_key_t> {
    pthread_key_t created = 0;
    const auto end = [](void* text) { delete static_cast<std::string*>(text); };
    if (::pthread_key_create(&created, end) != 0) return std::nullopt;
    return created;
  }();
  return key;
}

// At load, for the reason that process() has.
[[maybe_unused]] const bool made_early = error_key().has_value();

const char* last_error() noexcept {
  const auto key = error_key();
  const auto* text = key ? static_cast<const std::string*>(::pthread_getspecific(*key)) : nullptr;
  return text == nullptr ? "" : text->c_str();
}

void log_to_stderr(metrics_status, const char* text, void*) {
  std::fprintf(stderr, "metrics: %s\n", text);
}

struct Log {
  metrics_log_function function;
  void* context;
  const Log* before;  // never freed: another thread may be logging through it
};
constexpr Log kDefaultLog = {&log_to_stderr, nullptr, nullptr};
constinit std::atomic<const Log*> log_target{&kDefaultLog};

void log(metrics_status status, const char* text) noexcept {
  const Uncancelled uncancelled;
  const Log* target = log_target.load(std::memory_order_acquire);  // with metrics_set_log's release
  if (target->function != nullptr) target->function(status, text, target->context);
}
void log(metrics_status status, const std::string& text) noexcept { log(status, text.c_str()); }

metrics_status failed(metrics_status status, const char* text) noexcept {
  const auto key = error_key();
  if (!key) return status;
  auto* kept = static_cast<std::string*>(::pthread_getspecific(*key));
  try {
    if (kept == nullptr) {
      auto made = std::make_unique<std::string>();
      if (::pthread_setspecific(*key, made.get()) != 0) return status;
      kept = made.release();
    }
    *kept = text;
  } catch (const std::bad_alloc&) {
    if (kept != nullptr) kept->clear();
  }
  return status;
}

// The firewall: what is thrown below becomes a status and a text.
template <class Body>
metrics_status guarded(Body body) noexcept {
  const Uncancelled uncancelled;
  try {
    return body();
  } catch (const Error& e) {
    return failed(e.status(), e.what());
  } catch (const std::bad_alloc&) {
    return failed(METRICS_NO_SPACE, "out of memory");
  } catch (const std::exception& e) {
    return failed(METRICS_SYSTEM, e.what());
  }
}

// What a wrong program gives is told to the caller alone; what the surroundings lack is also logged.
bool worth_logging(metrics_status status) {
  return status != METRICS_OK && status != METRICS_INVALID;
}

Writer& writer_of(metrics_segment* s) {
  return *reinterpret_cast<Writer*>(s == nullptr ? metrics_default() : s);
}
Family* family_of(metrics_family* f) { return reinterpret_cast<Family*>(f); }

const char* text_or_empty(const char* s) { return s == nullptr ? "" : s; }

std::string_view text_of(const char* const* strings, std::size_t i) {
  if (strings != nullptr && strings[i] != nullptr) return strings[i];
  throw Error(METRICS_INVALID, "label string " + std::to_string(i) + " is NULL; write \"\"");
}

std::vector<std::string_view> views(const char* const* strings, std::size_t count) {
  std::vector<std::string_view> result;
  if (count > std::size_t{2} * layout::kMaxLabels) throw Error(METRICS_INVALID, "too many labels");
  for (std::size_t i = 0; i < count; ++i) result.push_back(text_of(strings, i));
  return result;
}

// An info's names and values in turn, by name: labels have no order, so facts told in another one are the same series.
template <class String>
void sort_pairs(std::vector<String>& strings) {
  if (strings.size() % 2 != 0) throw Error(METRICS_INVALID, "a label name has no value");
  std::vector<std::pair<String, String>> pairs;
  for (std::size_t i = 0; i < strings.size(); i += 2)
    pairs.emplace_back(strings[i], strings[i + 1]);
  std::sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) {
    return std::string_view(a.first) < std::string_view(b.first);
  });
  for (std::size_t i = 0; i < strings.size(); ++i) {
    strings[i] = i % 2 == 0 ? pairs[i / 2].first : pairs[i / 2].second;
  }
}

std::string claim_text(const Writer& writer, metrics_status status) {
  return "no slot of its own could be claimed in " + writer.file() + " (" +
         metrics_status_name(status) +
         "): counts go to the shared slot, gauges of a process without one are refused";
}

// An update logs nothing: why one got no slot is told by the next call of the process that may.
void tell_claim(const Writer& writer) {
  if (writer.failure() != nullptr) return;
  ProcessClaim& claim = process().claims[writer.index()];
  const metrics_status status = claim.failure.load(std::memory_order_relaxed);
  if (status == METRICS_OK || claim.told.exchange(true, std::memory_order_relaxed)) return;
  log(status, claim_text(writer, status));
}

// The last error, once for each family and status: families and series may be asked for at each request.
void log_once(Family& family, metrics_status status) noexcept {
  const std::uint32_t bit = 1u << status;
  if ((family.logged.fetch_or(bit, std::memory_order_relaxed) & bit) == 0) {
    log(status, last_error());
  }
}

metrics_status make_family(metrics_segment* segment, Definition d, const char* name,
                           const char* const* labels, std::size_t label_count,
                           metrics_family** out) noexcept {
  *out = nullptr;
  Family* refused = nullptr;
  const metrics_status status = guarded([&] {
    Writer& writer = writer_of(segment);
    if (name == nullptr) throw Error(METRICS_INVALID, "the family has no name: it is NULL");
    d.name = name;
    for (const std::string_view label : views(labels, label_count)) d.labels.emplace_back(label);
    *out = reinterpret_cast<metrics_family*>(&writer.family(std::move(d), &refused));
    tell_claim(writer);
    return METRICS_OK;
  });
  if (status != METRICS_OK && refused != nullptr) {
    *out = reinterpret_cast<metrics_family*>(refused);
    log_once(*refused, status);
  } else if (worth_logging(status)) {
    log(status, last_error());
  }
  return status;
}

// Where refused families and series lead.
constinit metrics_counter inert_counter = {METRICS_NOWHERE, 0};
constinit metrics_gauge inert_gauge = {METRICS_NOWHERE, 0, nullptr};
constinit metrics_histogram inert_histogram = {
    METRICS_NOWHERE,
    0,
    0,
    0,
    nullptr,
    [](std::uint64_t*, const metrics_histogram*, double) {},
    [](const double*, std::uint32_t, double) { return 0u; }};

void check_family(const Family* family, std::initializer_list<Type> types, std::size_t count) {
  if (family == nullptr) throw Error(METRICS_INVALID, "the family is NULL: it was refused");
  const Definition& d = family->definition;
  if (std::find(types.begin(), types.end(), d.type) == types.end()) {
    throw Error(METRICS_INVALID,
                "\"" + d.name + "\" is a " + std::string(to_string(d.type)) + ", no other type");
  }
  if (d.type != Type::kInfo && count != d.labels.size()) {
    std::string names;
    for (const auto& label : d.labels) names += (names.empty() ? "" : ", ") + label;
    throw Error(METRICS_INVALID, "\"" + d.name + "\" takes " + std::to_string(d.labels.size()) +
                                     " label values (" + names + "), not " + std::to_string(count));
  }
}

// The family can't be counted at all. That its segment was not joined is the segment's status, not each series';
// that it was refused has been said when it happened.
metrics_status uncounted(const Family& family) {
  if (family.writer.segment() == nullptr) return METRICS_OK;
  return failed(METRICS_CONFLICT,
                ("family \"" + family.definition.name + "\" was refused").c_str());
}

// The series, if the process has it and everything is as it should be: the usual case, without what it takes to find
// out and tell what is wrong.
template <Type... kTypes>
[[gnu::always_inline]] inline Series* known_series(metrics_family* handle,
                                                   const char* const* values,
                                                   std::size_t count) noexcept {
  constexpr std::size_t kFew = 4;
  const Family* family = family_of(handle);
  if (family == nullptr || count > kFew || count != family->definition.labels.size() ||
      ((family->definition.type != kTypes) && ...)) {
    return nullptr;
  }
  std::array<std::string_view, kFew> strings;
  std::uint64_t hash = kHashSeed;  // strings_hash(), in the loop that measures
  for (std::size_t i = 0; i < count; ++i) {
    if (values == nullptr || values[i] == nullptr) return nullptr;
    strings[i] = values[i];
    hash = hash_string(strings[i], hash);
  }
  Series* series = family->table.find(hash, {strings.data(), count});
  return series == nullptr || series->is_removed() ? nullptr : series;
}

// Finds or makes the series and hands it to `take`; tells once for each family and status why it can't be had.
template <class Take>
metrics_status with_series(metrics_family* handle, std::initializer_list<Type> types,
                           const char* const* values, std::size_t count, Take take) noexcept {
  Family* family = family_of(handle);
  const metrics_status status = guarded([&] {
    check_family(family, types, count);
    if (family->offset() == 0) return uncounted(*family);
    std::array<std::string_view, 8> few;  // the usual case, without an allocation
    if (count <= few.size()) {
      for (std::size_t i = 0; i < count; ++i) few[i] = text_of(values, i);
      take(family->writer.series(*family, {few.data(), count}));
    } else {
      take(family->writer.series(*family, views(values, count)));
    }
    tell_claim(family->writer);
    return METRICS_OK;
  });
  if (worth_logging(status) && family->offset() != 0) log_once(*family, status);
  return status;
}

// What `labels` does for a series that the process doesn't have; out of line, so that what it needs is saved only here.
template <class Hot, Type... kTypes, class Handle>
[[gnu::noinline]] metrics_status new_labels(metrics_family* family, const char* const* values,
                                            std::size_t count, Handle** out,
                                            Handle& inert) noexcept {
  *out = nullptr;
  const metrics_status status = with_series(family, {kTypes...}, values, count,
                                            [&](Series& s) { *out = &std::get<Hot>(s.hot); });
  if (*out == nullptr && status != METRICS_INVALID) *out = &inert;
  return status;
}

// The handle of the series with these label values: of a family of one of kTypes, whose series hold a Hot.
template <class Hot, Type... kTypes, class Handle>
metrics_status labels(metrics_family* family, const char* const* values, std::size_t count,
                      Handle** out, Handle& inert) noexcept {
  if (Series* known = known_series<kTypes...>(family, values, count); known != nullptr) [[likely]] {
    *out = std::get_if<Hot>(&known->hot);
    return METRICS_OK;
  }
  return new_labels<Hot, kTypes...>(family, values, count, out, inert);
}

// A counter that the segment's other writers add to as well.
void shared_sum(layout::Cell& cell, double amount) noexcept {
  std::uint64_t seen = cell.load(std::memory_order_relaxed);
  while (!cell.compare_exchange_weak(
      seen, std::bit_cast<std::uint64_t>(std::bit_cast<double>(seen) + amount),
      std::memory_order_relaxed, std::memory_order_relaxed)) {
  }
}

std::uint64_t* cells_of(std::uint32_t segment) noexcept {
  std::uint64_t* cells = metrics_hot_cells(segment);
  return cells != nullptr ? cells : reinterpret_cast<std::uint64_t*>(own_cells(segment));
}

// What updates are where the thread has no slot yet, or none at all; out of line, so that what they need is saved
// only here.
[[gnu::noinline]] void inc_slowly(const metrics_counter& c, std::uint64_t n) noexcept {
  if (std::uint64_t* own = cells_of(c.segment); own != nullptr) {
    metrics_hot_count(own + c.cell, n);
  } else if (layout::Cell* shared = shared_cells(c.segment); shared != nullptr) {
    shared[c.cell].fetch_add(n, std::memory_order_relaxed);
  }
}

[[gnu::noinline]] void add_slowly(const metrics_counter& c, double amount) noexcept {
  if (!(amount >= 0)) {
    count_drop(c.segment, layout::Drop::kCounterNegative);
    return;
  }
  if (amount < METRICS_HOT_EXACT && std::floor(amount) == amount) {
    inc_slowly(c, static_cast<std::uint64_t>(amount));
    return;
  }
  const std::uint32_t cell = c.cell + layout::kCounterFraction;
  if (std::uint64_t* own = cells_of(c.segment); own != nullptr) {
    metrics_hot_sum(own + cell, amount);
  } else if (layout::Cell* shared = shared_cells(c.segment); shared != nullptr) {
    shared_sum(shared[cell], amount);
  }
}

[[gnu::noinline]] void observe_slowly(const metrics_histogram& h, double value) noexcept {
  if (std::isnan(value)) {
    count_drop(h.segment, layout::Drop::kObservationNan);
    return;
  }
  if (std::uint64_t* own = cells_of(h.segment); own != nullptr) {
    h.observe(own + h.cell, &h, value);
  } else if (layout::Cell* shared = shared_cells(h.segment); shared != nullptr) {
    layout::Cell* first = shared + h.cell;
    first[h.find(h.bounds, h.padded, value)].fetch_add(1, std::memory_order_relaxed);
    shared_sum(first[h.sum], value);
  }
}

// The gauge, with a place to write to; nullptr if it is to be dropped.
Gauge* placed(metrics_gauge* hot) noexcept {
  if (hot == nullptr || hot->segment >= METRICS_MAX_SEGMENTS) return nullptr;
  cells_of(hot->segment);  // a thread's first update claims for its process
  if (!owns_first_slot(hot->segment)) {
    count_drop(hot->segment, layout::Drop::kGaugeWithoutSlot);
    return nullptr;
  }
  return static_cast<Gauge*>(hot);
}

struct Opened {
  Writer* writer;
  metrics_status status;  // if not METRICS_OK, last_error has the reason
};

Opened open_writer(const char* path, const metrics_geometry* geometry) {
  Writer* writer = nullptr;
  metrics_status status = guarded([&] {
    writer =
        &Writer::open(text_or_empty(path), geometry == nullptr ? metrics_geometry{} : *geometry);
    return METRICS_OK;
  });
  if (status != METRICS_OK) {
    writer = &Writer::nowhere(Error(status, last_error()));
  } else if (writer->failure() != nullptr) {
    status = failed(writer->failure()->status(), writer->failure()->what());
  }
  return {writer, status};
}

void report(const Opened& opened) {
  if (opened.status != METRICS_OK) {
    if (opened.writer->claim_report())
      log(opened.status, std::string(last_error()) + "; nothing is counted");
  } else if (!fork_is_wiped() && opened.writer->claim_report()) {
    log(METRICS_UNSUPPORTED,
        "this kernel has no MADV_WIPEONFORK: children of fork() are counted, those of raw clone() "
        "not");
  }
}

bool ascending(const double* bounds, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(bounds[i]) || (i > 0 && bounds[i] <= bounds[i - 1])) return false;
  }
  return true;
}

}  // namespace
}  // namespace metrics::core

using namespace metrics::core;

extern "C" {

const char* metrics_status_name(metrics_status status) {
  switch (status) {
    case METRICS_OK:
      return "ok";
    case METRICS_INVALID:
      return "invalid";
    case METRICS_CONFLICT:
      return "conflict";
    case METRICS_FULL:
      return "full";
    case METRICS_NO_SPACE:
      return "no space";
    case METRICS_NO_PERMISSION:
      return "no permission";
    case METRICS_INCOMPATIBLE:
      return "incompatible";
    case METRICS_UNSUPPORTED:
      return "unsupported";
    case METRICS_GONE:
      return "gone";
    case METRICS_NO_SLOT:
      return "no slot";
    case METRICS_SYSTEM:
      return "system error";
  }
  return "unknown status";
}

const char* metrics_last_error(void) { return last_error(); }
const char* metrics_version(void) { return METRICS_VERSION; }

void metrics_set_log(metrics_log_function function, void* context) {
  const Log* before = log_target.load(std::memory_order_relaxed);
  const Log* target = new (std::nothrow) Log{function, context, before};
  if (target != nullptr) log_target.store(target, std::memory_order_release);
}

void metrics_log(metrics_status status, const char* text) {
  if (text != nullptr) log(status, text);
}

metrics_status metrics_open(const char* path, const metrics_geometry* geometry,
                            metrics_segment** out) {
  const Opened opened = open_writer(path, geometry);
  *out = reinterpret_cast<metrics_segment*>(opened.writer);
  report(opened);
  return opened.status;
}

// No static object, for whose making others would wait: who logs may ask for it, and a child may be forked.
metrics_segment* metrics_default(void) {
  static constinit std::atomic<Writer*> writer{nullptr};
  Writer* there = writer.load(std::memory_order_acquire);
  if (there == nullptr) {
    const Opened opened = open_writer(nullptr, nullptr);
    // Release, acquire: who finds it sees it made.
    if (writer.compare_exchange_strong(there, opened.writer, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
      there = opened.writer;
      report(opened);
    }
  }
  return reinterpret_cast<metrics_segment*>(there);
}

const char* metrics_segment_path(const metrics_segment* segment) {
  if (segment == nullptr) return "";
  return reinterpret_cast<const Writer*>(segment)->file().c_str();
}

metrics_status metrics_segment_status(const metrics_segment* segment) {
  if (segment == nullptr) return failed(METRICS_INVALID, "the segment is NULL");
  const Writer& writer = *reinterpret_cast<const Writer*>(segment);
  if (const Error* why = writer.failure()) return failed(why->status(), why->what());
  const metrics_status status =
      process().claims[writer.index()].failure.load(std::memory_order_relaxed);
  return guarded([&]() -> metrics_status {
    if (writer.segment()->is_gone()) {
      throw Error(METRICS_GONE,
                  writer.file() +
                      " was deleted, or is another file by now: what this process, and "
                      "those that it forks, count is unseen; start it anew");
    }
    if (status == METRICS_OK) return status;
    tell_claim(writer);
    throw Error(status, claim_text(writer, status));
  });
}

metrics_status metrics_counter_family(metrics_segment* segment, const char* name, const char* help,
                                      const char* unit, const char* const* labels,
                                      size_t label_count, metrics_family** out) {
  return make_family(segment,
                     {Type::kCounter, {}, text_or_empty(help), text_or_empty(unit), {}, {}, {}},
                     name, labels, label_count, out);
}

metrics_status metrics_gauge_family(metrics_segment* segment, const char* name, const char* help,
                                    const char* unit, const char* const* labels, size_t label_count,
                                    metrics_mode mode, metrics_family** out) {
  if (mode < METRICS_ALL || mode > METRICS_LIVEMOSTRECENT) {
    *out = nullptr;
    return failed(METRICS_INVALID, "the gauge's mode is not one of metrics_mode");
  }
  return make_family(
      segment,
      {Type::kGauge, {}, text_or_empty(help), text_or_empty(unit), {}, {}, static_cast<Mode>(mode)},
      name, labels, label_count, out);
}

metrics_status metrics_histogram_family(metrics_segment* segment, const char* name,
                                        const char* help, const char* unit,
                                        const char* const* labels, size_t label_count,
                                        const double* bounds, size_t bound_count,
                                        metrics_family** out) {
  *out = nullptr;
  std::vector<double> given;
  const metrics_status status = guarded([&] {
    const auto defaults = default_bounds();
    if (bounds == nullptr && bound_count == 0) given.assign(defaults.begin(), defaults.end());
    if (bounds == nullptr && bound_count > 0) throw Error(METRICS_INVALID, "the bounds are NULL");
    if (bounds != nullptr) given.assign(bounds, bounds + bound_count);
    return METRICS_OK;
  });
  if (status != METRICS_OK) return status;
  return make_family(
      segment,
      {Type::kHistogram, {}, text_or_empty(help), text_or_empty(unit), {}, std::move(given), {}},
      name, labels, label_count, out);
}

metrics_status metrics_summary_family(metrics_segment* segment, const char* name, const char* help,
                                      const char* unit, const char* const* labels,
                                      size_t label_count, metrics_family** out) {
  return make_family(segment,
                     {Type::kSummary, {}, text_or_empty(help), text_or_empty(unit), {}, {}, {}},
                     name, labels, label_count, out);
}

metrics_status metrics_info_family(metrics_segment* segment, const char* name, const char* help,
                                   metrics_family** out) {
  return make_family(segment, {Type::kInfo, {}, text_or_empty(help), {}, {}, {}, {}}, name, nullptr,
                     0, out);
}

metrics_status metrics_linear_bounds(double start, double width, size_t count, double* bounds) {
  for (size_t i = 0; i < count; ++i) bounds[i] = start + static_cast<double>(i) * width;
  if (width > 0 && ascending(bounds, count)) return METRICS_OK;
  return failed(METRICS_INVALID, "linear bounds need a width above 0, and must stay finite");
}

metrics_status metrics_exponential_bounds(double start, double factor, size_t count,
                                          double* bounds) {
  double bound = start;
  for (size_t i = 0; i < count; ++i, bound *= factor) bounds[i] = bound;
  if (start > 0 && factor > 1 && ascending(bounds, count)) return METRICS_OK;
  return failed(
      METRICS_INVALID,
      "exponential bounds need a start above 0 and a factor above 1, and must stay finite");
}

metrics_status metrics_counter_labels(metrics_family* family, const char* const* values,
                                      size_t count, metrics_counter** out) {
  return labels<metrics_counter, Type::kCounter>(family, values, count, out, inert_counter);
}

metrics_status metrics_gauge_labels(metrics_family* family, const char* const* values, size_t count,
                                    metrics_gauge** out) {
  return labels<Gauge, Type::kGauge>(family, values, count, out, inert_gauge);
}

metrics_status metrics_histogram_labels(metrics_family* family, const char* const* values,
                                        size_t count, metrics_histogram** out) {
  return labels<metrics_histogram, Type::kHistogram, Type::kSummary>(family, values, count, out,
                                                                     inert_histogram);
}

metrics_status metrics_info_state(metrics_family* family, const char* const* names,
                                  const char* const* values, size_t count) {
  return guarded([&] {
    const std::string name = family == nullptr ? "x" : family_of(family)->definition.name;
    Definition d{Type::kInfo, name, {}, {}, {}, {}, {}};
    std::vector<const char*> pairs;
    for (std::size_t i = 0; i < count; ++i) {
      d.labels.emplace_back(text_of(names, i));
      pairs.insert(pairs.end(), {names[i], text_of(values, i).data()});
    }
    sort_pairs(pairs);
    checked(std::move(d));  // label names are an info series' own
    return with_series(family, {Type::kInfo}, pairs.data(), pairs.size(), [](Series&) {});
  });
}

metrics_status metrics_remove(metrics_family* handle, const char* const* values, size_t count) {
  return guarded([&] {
    Family* family = family_of(handle);
    check_family(family,
                 {Type::kCounter, Type::kGauge, Type::kHistogram, Type::kSummary, Type::kInfo},
                 count);
    auto strings = views(values, count);
    if (family->definition.type == Type::kInfo) sort_pairs(strings);
    if (family->offset() != 0) family->writer.remove(*family, strings);
    return METRICS_OK;
  });
}

metrics_status metrics_clear(metrics_family* handle) {
  return guarded([&] {
    Family* family = family_of(handle);
    if (family == nullptr) throw Error(METRICS_INVALID, "the family is NULL: it was refused");
    if (family->offset() != 0) family->writer.clear(*family);
    return METRICS_OK;
  });
}

void metrics_counter_inc(metrics_counter* c, uint64_t n) {
  if (c == nullptr) return;
  if (std::uint64_t* own = metrics_hot_cells(c->segment); own != nullptr) [[likely]] {
    metrics_hot_count(own + c->cell, n);
  } else {
    inc_slowly(*c, n);
  }
}

void metrics_counter_add(metrics_counter* c, double amount) {
  if (c == nullptr) return;
  std::uint64_t* own = metrics_hot_cells(c->segment);
  if (own != nullptr && amount >= 0 && amount < METRICS_HOT_EXACT) [[likely]] {
    metrics_hot_add(own, c, amount);
  } else {
    add_slowly(*c, amount);
  }
}

void metrics_gauge_set(metrics_gauge* hot, double value) {
  if (hot != nullptr && metrics_hot_set(hot, value) != 0) [[likely]] {
    return;
  }
  if (Gauge* gauge = placed(hot); gauge != nullptr) gauge->set(value);
}

void metrics_gauge_add(metrics_gauge* hot, double amount) {
  if (Gauge* gauge = placed(hot); gauge != nullptr) gauge->add(amount);
}

void metrics_gauge_set_to_current_time(metrics_gauge* hot) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  metrics_gauge_set(hot, static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9);
}

void metrics_histogram_observe(metrics_histogram* h, double value) {
  if (h == nullptr) return;
  std::uint64_t* own = metrics_hot_cells(h->segment);
  if (own != nullptr && value == value) [[likely]] {
    h->observe(own + h->cell, h, value);
  } else {
    observe_slowly(*h, value);
  }
}

double metrics_now(void) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // extern "C"
