// read_back.cpp -- values of series, for programs that test their metrics.
#include "libmetrics/setup/read_back.h"

#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "libmetrics/api/errors.h"
#include "libmetrics/update/own_slots.h"
#include "libmetrics/update/process.h"
#include "libmetrics/update/threads.h"
#include "metrics/hot.h"

namespace metrics::api {
namespace {

// Where a handle leads: one of a joined segment.
struct Place {
  const update::Segment& segment;
  std::uint32_t index;  // of the segment
  std::uint64_t cell;
};

// Throws Error(METRICS_INVALID) if the handle is NULL or counts nothing.
template <class Handle>
Place place_of(const Handle* handle) {
  const std::uint64_t place =
      handle == nullptr ? METRICS_NOWHERE : __atomic_load_n(&handle->place, __ATOMIC_ACQUIRE);
  const std::uint32_t index = metrics_hot_segment(place);
  const update::OwnSlots* own = update::own_slots_at(index);
  if (own == nullptr) {
    format::refuse("there is nothing to read: the handle counts nothing");
  }
  return {own->segment(), index, place >> 32};
}

// Returns what this process has set; an empty optional if it has set nothing. Throws Error also if
// the process has no slot.
std::optional<double> own_value(const metrics_gauge* gauge) {
  const update::ProcessClaim& claim = update::process().claims[place_of(gauge).index];
  using State = update::ProcessClaim::State;
  if (claim.state.load(std::memory_order_relaxed) == State::kFailed) {
    throw format::Error(METRICS_NO_SLOT, "the process has no slot: its gauges are refused");
  }
  return update::gauge_value(static_cast<const update::Gauge&>(*gauge));
}

}  // namespace
}  // namespace metrics::api

using namespace metrics;
using namespace metrics::api;

extern "C" {

metrics_status metrics_counter_value(const metrics_counter* counter, double* out) {
  return to_status([&] {
    const Place place = place_of(counter);
    std::uint64_t whole = 0;
    const double fraction = setup::read_back(place.segment, place.cell, {&whole, 1});
    *out = static_cast<double>(whole) + fraction;
    return METRICS_OK;
  });
}

metrics_status metrics_histogram_value(const metrics_histogram* histogram, uint64_t* count,
                                       double* sum) {
  return to_status([&] {
    const Place place = place_of(histogram);
    std::vector<std::uint64_t> buckets(histogram->sum);
    *sum = setup::read_back(place.segment, place.cell, buckets);
    *count = std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
    return METRICS_OK;
  });
}

metrics_status metrics_gauge_value(const metrics_gauge* gauge, double* out) {
  return to_status([&] {
    *out = own_value(gauge).value_or(std::numeric_limits<double>::quiet_NaN());
    return METRICS_OK;
  });
}

metrics_status metrics_stateset_value(const metrics_stateset* set, size_t* out) {
  return to_status([&] {
    const auto own = own_value(reinterpret_cast<const metrics_gauge*>(set));
    *out = own ? static_cast<std::size_t>(*own) : METRICS_NO_STATE;
    return METRICS_OK;
  });
}

}  // extern "C"
