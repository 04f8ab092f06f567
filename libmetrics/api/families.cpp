// families.cpp -- families of each type, and bounds.
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "libmetrics/api/arguments.h"
#include "libmetrics/api/errors.h"
#include "libmetrics/api/log.h"
#include "libmetrics/api/segments.h"

namespace metrics::api {
namespace {

metrics_status make_family(metrics_segment* segment, format::Definition d, const char* name,
                           const char* const* labels, std::size_t label_count,
                           metrics_family** out) noexcept {
  *out = nullptr;
  setup::Family* refused = nullptr;
  const metrics_status status = to_status([&] {
    setup::Registry& registry = registry_of(segment);
    if (name == nullptr) throw format::Error(METRICS_INVALID, "the family has no name: it is NULL");
    d.name = name;
    for (const std::string_view label : views(labels, label_count)) d.labels.emplace_back(label);
    *out = reinterpret_cast<metrics_family*>(&registry.family(std::move(d), &refused));
    tell_claim(registry);
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

metrics_status metrics_counter_family(metrics_segment* segment, const char* name, const char* help,
                                      const char* unit, const char* const* labels,
                                      size_t label_count, metrics_family** out) {
  return make_family(
      segment, {format::Type::kCounter, {}, text_or_empty(help), text_or_empty(unit), {}, {}, {}},
      name, labels, label_count, out);
}

metrics_status metrics_gauge_family(metrics_segment* segment, const char* name, const char* help,
                                    const char* unit, const char* const* labels, size_t label_count,
                                    metrics_mode mode, metrics_family** out) {
  if (mode < METRICS_ALL || mode > METRICS_LIVEMOSTRECENT) {
    *out = nullptr;
    return failed(METRICS_INVALID, "the gauge's mode is not one of metrics_mode");
  }
  return make_family(segment,
                     {format::Type::kGauge,
                      {},
                      text_or_empty(help),
                      text_or_empty(unit),
                      {},
                      {},
                      static_cast<format::Mode>(mode)},
                     name, labels, label_count, out);
}

metrics_status metrics_histogram_family(metrics_segment* segment, const char* name,
                                        const char* help, const char* unit,
                                        const char* const* labels, size_t label_count,
                                        const double* bounds, size_t bound_count,
                                        metrics_family** out) {
  *out = nullptr;
  std::vector<double> given;
  const metrics_status status = to_status([&] {
    const auto defaults = setup::default_bounds();
    if (bounds == nullptr && bound_count == 0) given.assign(defaults.begin(), defaults.end());
    if (bounds == nullptr && bound_count > 0)
      throw format::Error(METRICS_INVALID, "the bounds are NULL");
    if (bounds != nullptr) given.assign(bounds, bounds + bound_count);
    return METRICS_OK;
  });
  if (status != METRICS_OK) return status;
  return make_family(segment,
                     {format::Type::kHistogram,
                      {},
                      text_or_empty(help),
                      text_or_empty(unit),
                      {},
                      std::move(given),
                      {}},
                     name, labels, label_count, out);
}

metrics_status metrics_summary_family(metrics_segment* segment, const char* name, const char* help,
                                      const char* unit, const char* const* labels,
                                      size_t label_count, metrics_family** out) {
  return make_family(
      segment, {format::Type::kSummary, {}, text_or_empty(help), text_or_empty(unit), {}, {}, {}},
      name, labels, label_count, out);
}

metrics_status metrics_info_family(metrics_segment* segment, const char* name, const char* help,
                                   metrics_family** out) {
  return make_family(segment, {format::Type::kInfo, {}, text_or_empty(help), {}, {}, {}, {}}, name,
                     nullptr, 0, out);
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
