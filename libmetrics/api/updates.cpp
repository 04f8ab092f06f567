// updates.cpp -- updates: the fast path is here, everything else in update/slow_path.cpp.
#include <ctime>

#include "libmetrics/update/exemplars.h"
#include "libmetrics/update/slow_path.h"
#include "metrics/hot.h"
#include "metrics/metrics.h"

using namespace metrics;

namespace {

// Returns that clock's time in seconds.
double seconds(clockid_t clock) noexcept {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

extern "C" {

void metrics_counter_inc(const metrics_counter* c, uint64_t n) {
  if (c == nullptr) return;
  if (std::uint64_t* first = metrics_hot_first(&c->place); first != nullptr) [[likely]] {
    metrics_hot_count(first, n);
  } else {
    update::inc_slowly(*c, n);
  }
}

void metrics_counter_add(const metrics_counter* c, double amount) {
  if (c == nullptr) return;
  std::uint64_t* first = metrics_hot_first(&c->place);
  if (first != nullptr && metrics_hot_may_add(amount) != 0) [[likely]] {
    metrics_hot_add(first, amount);
  } else {
    update::add_slowly(*c, amount);
  }
}

void metrics_gauge_set(metrics_gauge* hot, double value) {
  if (hot != nullptr && metrics_hot_set(hot, value) != 0) [[likely]] {
    return;
  }
  update::set_slowly(hot, value);
}

void metrics_gauge_add(metrics_gauge* hot, double amount) { update::add_slowly(hot, amount); }

void metrics_gauge_set_to_current_time(metrics_gauge* hot) {
  metrics_gauge_set(hot, seconds(CLOCK_REALTIME));
}

void metrics_stateset_set(metrics_stateset* s, size_t state) {
  update::set_state(reinterpret_cast<metrics_gauge*>(s), state);
}

void metrics_histogram_observe(const metrics_histogram* h, double value) {
  if (h == nullptr) return;
  std::uint64_t* first = metrics_hot_first(&h->place);
  if (first != nullptr && value == value) [[likely]] {
    h->observe(first, h, value);
  } else {
    update::observe_slowly(*h, value);
  }
}

void metrics_counter_add_exemplar(const metrics_counter* c, double amount, const char* const* names,
                                  const char* const* values, size_t count) {
  metrics_counter_add(c, amount);
  if (c != nullptr && __builtin_isgreaterequal(amount, 0.0))
    update::keep_exemplar(*c, amount, {names, values, count});
}

void metrics_histogram_observe_exemplar(const metrics_histogram* h, double value,
                                        const char* const* names, const char* const* values,
                                        size_t count) {
  if (h == nullptr || value != value) return metrics_histogram_observe(h, value);
  const std::uint32_t bucket = h->find(h->bounds, h->padded, value);
  if (std::uint64_t* first = metrics_hot_first(&h->place); first != nullptr) [[likely]] {
    // As h->observe(), which would look for the bucket once more: the sum is second.
    metrics_hot_count(first + bucket, 1);
    metrics_hot_sum(first + h->sum, value);
  } else {
    update::observe_slowly(*h, value);
  }
  update::keep_exemplar(*h, value, bucket, {names, values, count});
}

double metrics_now(void) { return seconds(CLOCK_MONOTONIC); }

}  // extern "C"
