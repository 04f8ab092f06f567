#include "libmetrics/python/extension/series.h"

#include <new>

#include "libmetrics/python/extension/messages.h"

namespace metrics::python {
namespace {

// Gives a child numbers of its own, with its parent's buckets. Returns false without memory.
bool begin_own(Metric& m, const Metric& from) noexcept {
  Own* own = own_of(m);
  if (own == nullptr || from.own == nullptr || from.own->bounds() == nullptr || &m == &from)
    return own != nullptr;
  try {
    own->begin_buckets(from.own->bounds());
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

}  // namespace

metrics_status look_up(Metric& m) noexcept {
  const UnderLock scope;
  void* const before = m.series;
  const std::uint64_t* const state_before = m.state;
  const std::uint64_t live_before = m.live;
  metrics_status status = METRICS_OK;
  const auto count = static_cast<std::size_t>(m.count);
  metrics_counter* counter = nullptr;
  metrics_gauge* gauge = nullptr;
  metrics_histogram* histogram = nullptr;
  metrics_stateset* set = nullptr;
  switch (m.kind) {
    case Kind::kCounter:
      status = metrics_counter_labels(m.family, m.strings, count, &counter);
      m.series = counter;
      break;
    case Kind::kGauge:
      status = metrics_gauge_labels(m.family, m.strings, count, &gauge);
      m.series = gauge;
      break;
    case Kind::kHistogram:
      status = metrics_histogram_labels(m.family, m.strings, count, &histogram);
      m.series = histogram;
      if (histogram != nullptr && m.own != nullptr) {
        metrics_hot_acquire(histogram);
        m.own->compare(histogram->bounds, histogram->padded);
      }
      break;
    case Kind::kStateSet:
      status = metrics_stateset_labels(m.family, m.strings, count, &set);
      m.series = set;
      break;
    case Kind::kInfo:
    case Kind::kNone:
      m.series = nullptr;
      break;
  }
  metrics_release(m.family, before);
  m.refused = status == METRICS_FULL;
  m.state =
      status == METRICS_OK ? metrics_series_state(m.family, m.strings, count, &m.live) : nullptr;
  // The handle of a series that is made again may be the one of before: what tells is the state.
  const bool is_new = m.state != state_before || m.live != live_before;
  // prometheus_client's gauges are 0 from their creation on. Adding 0 begins an unset gauge at 0,
  // and does not change what another object has set in the same series. This is done only where
  // each process has a sample of its own. An empty sum is 0 anyway; and a minimum, a maximum or the
  // most recent value would be replaced by a 0 that no program has set, such as that of a parent
  // that only forks.
  if (gauge != nullptr && is_new && m.begins_at_zero) metrics_gauge_add(gauge, 0);
  return status;
}

PyObject* renew(PyObject* self, PyObject*) {
  Metric& m = metric_of(self);
  if (m.family == nullptr || m.strings == nullptr) return none();
  const UnderLock scope;
  metrics_remove(m.family, m.strings, static_cast<std::size_t>(m.count));
  return messages(look_up(m));
}

PyObject* bind(PyObject* self, PyTypeObject* type, Kind kind, PyObject* const* args,
               Py_ssize_t count) {
  Metric& m = metric_of(self);
  if (count != 2 || !PyObject_TypeCheck(args[0], type) || metric_of(args[0]).kind != kind ||
      !PyTuple_Check(args[1]) || m.strings != nullptr || m.children != nullptr) {
    PyErr_SetString(PyExc_TypeError,
                    "_series(parent, values: tuple), once, and with a parent of the same class");
    return nullptr;
  }
  const Metric& from = metric_of(args[0]);
  auto strings = bytes_of(args[1]);
  if (strings == nullptr) return nullptr;
  Py_INCREF(args[1]);
  m.values = args[1];
  m.strings = strings.release();
  m.count = PyTuple_Size(args[1]);
  m.family = from.family;
  m.kind = kind;
  m.begins_at_zero = from.begins_at_zero;
  m.observable = true;
  if (!begin_own(m, from)) return PyErr_NoMemory();
  if (m.family == nullptr) return none();
  const metrics_status status = look_up(m);
  return messages(status, status == METRICS_OK ? "" : "; that series counts nothing");
}

}  // namespace metrics::python
