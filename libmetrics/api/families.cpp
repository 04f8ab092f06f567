// families.cpp -- families of all types, and bounds.
#include <atomic>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libmetrics/api/arguments.h"
#include "libmetrics/api/errors.h"
#include "libmetrics/api/log.h"
#include "libmetrics/api/segments.h"
#include "libmetrics/format/escaping.h"
#include "libmetrics/format/exemplar.h"
#include "libmetrics/format/name.h"
#include "libmetrics/format/types.h"
#include "libmetrics/setup/bounds.h"
#include "libmetrics/setup/max_series.h"
#include "libmetrics/setup/patterns.h"
#include "libmetrics/setup/registry.h"
#include "libmetrics/update/process.h"

namespace metrics::api {
namespace {

static_assert(METRICS_COUNTER == static_cast<int>(format::Type::kCounter) &&
              METRICS_GAUGE == static_cast<int>(format::Type::kGauge) &&
              METRICS_HISTOGRAM == static_cast<int>(format::Type::kHistogram) &&
              METRICS_SUMMARY == static_cast<int>(format::Type::kSummary) &&
              METRICS_INFO == static_cast<int>(format::Type::kInfo) &&
              METRICS_STATESET == static_cast<int>(format::Type::kStateSet));
static_assert(METRICS_LIVEMOSTRECENT + 1 == format::kModeCount &&
              METRICS_STATESET_ALL == format::kModeCount);

// Returns the histogram bounds that a program has given, or the default ones.
std::vector<double> bounds_of(const metrics_family_options& options) {
  if (options.bounds != nullptr) {
    return {options.bounds, options.bounds + options.bound_count};
  }
  if (options.bound_count > 0) format::refuse("the bounds are NULL");
  const auto defaults = setup::default_bounds();
  return {defaults.begin(), defaults.end()};
}

// Returns the native buckets that a program asks for, or the environment for all programs.
std::optional<format::Native> native_of(const metrics_family_options& options) {
  if (options.native != nullptr) {
    const metrics_native given = taken(options.native, "metrics_native");
    return format::native_of(given.factor, given.min, given.max, given.negative != 0);
  }
  const char* all = format::environment("METRICS_NATIVE_HISTOGRAMS");
  if (all == nullptr || std::string_view(all) == "0") return std::nullopt;
  if (std::string_view(all) == "1") return format::Native{};
  static std::atomic<bool> reported{false};
  if (!reported.exchange(true, std::memory_order_relaxed)) {
    log(METRICS_INVALID, std::string("METRICS_NATIVE_HISTOGRAMS is \"") + all +
                             "\": set it to 1 for native buckets in all histograms, or to 0");
  }
  return std::nullopt;
}

// Returns the states of a state set that a program has given.
std::vector<std::string> states_of(const metrics_family_options& options, const std::string& name) {
  if (options.state_count > format::kMaxStates) {
    format::refuse("state set \"" + name + "\" has " + std::to_string(options.state_count) +
                   " states; at most " + std::to_string(format::kMaxStates) + " are possible");
  }
  std::vector<std::string> states;
  for (std::size_t i = 0; i < options.state_count; ++i) {
    states.emplace_back(text_of(options.states, i));
  }
  return states;
}

// Returns the mode that a program has given. 0 is the default, which is another one for state sets.
format::Mode mode_of(const metrics_family_options& options, const format::Definition& d) {
  if (options.mode < METRICS_ALL || options.mode > METRICS_STATESET_ALL) {
    format::refuse("the mode of family \"" + d.name + "\" is not one of metrics_mode");
  }
  const bool is_given = options.mode != METRICS_ALL;
  if (is_given && !format::is_of_processes(d.type)) {
    format::refuse("only gauges, state sets and infos have modes, \"" + d.name + "\" is a " +
                   std::string(format::to_string(d.type)));
  }
  if (!is_given && d.type == format::Type::kStateSet) return format::Mode::kLiveMostRecent;
  if (options.mode == METRICS_STATESET_ALL) return format::Mode::kAll;
  return static_cast<format::Mode>(options.mode);
}

format::Definition given_definition(metrics_type type, const char* name, const char* help,
                                    const char* const* labels, std::size_t label_count,
                                    const metrics_family_options& options) {
  if (name == nullptr) format::refuse("the family has no name: it is NULL");
  format::Definition d;
  d.type = static_cast<format::Type>(type);
  if (type < METRICS_COUNTER || type > METRICS_STATESET) {
    format::refuse(std::string("the type of family \"") + name + "\" is not one of metrics_type");
  }
  d.name = name;
  d.help = text_or_empty(help);
  d.unit = text_or_empty(options.unit);
  if (options.max_series > std::numeric_limits<std::uint32_t>::max()) {
    format::refuse("max_series of family \"" + d.name + "\" must be below 2^32; 0: no limit");
  }
  d.max_series = static_cast<std::uint32_t>(options.max_series);
  d.exemplars = options.exemplars != 0;
  for (const std::string_view label : views(labels, label_count)) d.labels.emplace_back(label);
  if (format::values_of(d.type) == format::Values::kInfo && label_count > 0) {
    format::refuse("info \"" + d.name +
                   "\" has no label names: each statement brings its "
                   "own; leave them out");
  }
  if (format::has_buckets(d.type)) {
    d.bounds = bounds_of(options);
    d.native = native_of(options);
  } else if (options.bounds != nullptr || options.bound_count > 0) {
    format::refuse("only histograms have bounds, \"" + d.name + "\" is a " +
                   std::string(format::to_string(d.type)));
  } else if (options.native != nullptr) {
    format::refuse("only histograms have native buckets, \"" + d.name + "\" is a " +
                   std::string(format::to_string(d.type)));
  }
  d.states = states_of(options, d.name);
  d.mode = mode_of(options, d);
  return d;
}

// Returns the limit that this process gives the family: the environment's, else the program's. An
// empty optional if neither gives one. Logs once what is wrong with the environment's.
std::optional<std::uint32_t> limit_of(const format::Definition& checked) {
  static std::atomic<bool> reported{false};
  std::optional<std::uint32_t> given;
  if (const char* rules = format::environment("METRICS_MAX_SERIES")) {
    const setup::MaxSeries limits(rules);
    if (!limits.faults().empty() && !reported.exchange(true, std::memory_order_relaxed)) {
      for (const std::string& fault : limits.faults()) log(METRICS_INVALID, fault);
    }
    given = limits.of(checked);
  }
  return given || checked.max_series == 0 ? given : checked.max_series;
}

// Returns whether this process asks for places for exemplars.
bool wants_exemplars(const format::Definition& checked) {
  if (checked.exemplars || format::place_count(checked.type, 0, false) == 0) {
    return checked.exemplars;
  }
  const char* patterns = format::environment("METRICS_EXEMPLARS");
  if (patterns == nullptr) return false;
  static std::atomic<bool> reported{false};
  if (setup::trimmed(patterns) == "1" && !reported.exchange(true, std::memory_order_relaxed)) {
    log(METRICS_INVALID,
        "METRICS_EXEMPLARS is \"1\": write patterns of names, such as http_*,tasks_total, or * for "
        "all");
  }
  return setup::any_matches(patterns, checked);
}

// Logs it if the family has another limit than this process gives it.
void compare_limits(setup::Family& family, std::uint32_t given) {
  if (family.offset() == 0) return;
  const setup::Limit* limit = family.limit();
  const std::uint32_t there = limit == nullptr ? 0 : limit->record.max_series;
  if (there == given) return;
  const auto spelled = [](std::uint32_t most) {
    return most == 0 ? "no limit" : "at most " + std::to_string(most) + " series";
  };
  log_other_limit_once(family, '"' + family.definition.name + "\" keeps " + spelled(there) +
                                   " in " + family.registry.file() +
                                   ", as the first process has defined it there; create the "
                                   "segment anew for " +
                                   spelled(given));
}

// Logs, once in the process, that older servers see a name otherwise than the program does.
void report_escaped_once(const format::Definition& d) {
  static std::atomic<bool> reported{false};
  const auto seen = [](const std::string& name, format::NameOf of) {
    return format::escaped(name, format::Escaping::kUnderscores, of);
  };
  std::string what;
  if (const std::string name = seen(d.name, format::NameOf::kFamily); name != d.name) {
    what = "the metric name \"" + d.name + "\" as \"" + name + '"';
  }
  for (const std::string& label : d.labels) {
    const std::string name = seen(label, format::NameOf::kLabel);
    if (what.empty() && name != label) {
      what = "the label name \"" + label + "\" of family \"" + d.name + "\" as \"" + name + '"';
    }
  }
  if (what.empty() || reported.exchange(true, std::memory_order_relaxed)) return;
  log(METRICS_OK, "servers that do not know UTF-8 names (Prometheus 2) see " + what +
                      ", and all such names likewise");
}

bool ascending(const double* bounds, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(bounds[i]) || (i > 0 && bounds[i] <= bounds[i - 1])) return false;
  }
  return true;
}

}  // namespace
}  // namespace metrics::api

using namespace metrics;
using namespace metrics::api;

extern "C" {

metrics_status metrics_family_of(metrics_segment* segment, metrics_type type, const char* name,
                                 const char* help, const char* const* labels, size_t label_count,
                                 const metrics_family_options* options, metrics_family** out) {
  *out = nullptr;
  setup::Family* refused = nullptr;
  update::note_caller();
  const metrics_status status = to_status([&] {
    setup::Registry& registry = registry_of(segment);
    format::Definition d = format::checked(given_definition(
        type, name, help, labels, label_count, taken(options, "metrics_family_options")));
    const std::optional<std::uint32_t> limit = limit_of(d);
    d.max_series = limit.value_or(0);
    const bool exemplars = d.exemplars = wants_exemplars(d);
    setup::Family& family = registry.family(std::move(d), &refused);
    *out = reinterpret_cast<metrics_family*>(&family);
    if (limit) compare_limits(family, *limit);
    report_escaped_once(family.definition);
    if (exemplars && family.offset() != 0 && !registry.has_exemplars(family)) {
      log_unplaced_once(family);
    }
    log_claim(registry);
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

metrics_status metrics_family_status(const metrics_family* handle) {
  const setup::Family* family = family_of(handle);
  if (family == nullptr) return failed(METRICS_INVALID, "the family is NULL: it was refused");
  if (const format::Error* why = family->registry.failure()) return failed(*why);
  return to_status([&]() -> metrics_status {
    log_claim(family->registry);
    if (const auto why = family->registry.status(*family)) throw format::Error(*why);
    return METRICS_OK;
  });
}

int metrics_family_has_exemplars(const metrics_family* handle) {
  const setup::Family* family = family_of(handle);
  return family != nullptr && family->registry.has_exemplars(*family) ? 1 : 0;
}

metrics_status metrics_family_give_up(metrics_family* handle) {
  return to_status([&] {
    setup::Family* family = family_of(handle);
    definition_of(family);  // throws if there is none
    family->registry.give_up(*family);
    return METRICS_OK;
  });
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

}  // extern "C"
