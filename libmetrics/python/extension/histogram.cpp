// histogram.cpp -- Histogram and, without bounds, Summary: observe().
#include <cmath>
#include <memory>
#include <new>
#include <vector>

#include "libmetrics/python/extension/metric.h"
#include "libmetrics/python/extension/observation.h"
#include "libmetrics/python/extension/series.h"
#include "libmetrics/python/extension/timer.h"

namespace metrics::python {
namespace {

void observe_own(Metric& m, double value) noexcept {
  if (value == value && m.own != nullptr) m.own->observe(m.own->bucket(value), value);
}

// Counts what observe() does not: kept apart, so that that one needs no frame for it.
[[gnu::noinline]] void observe_apart(Metric& m, double value) noexcept {
  observe_own(m, value);
  metrics_histogram_observe(handle_of<metrics_histogram>(m), value);
}

// Does what histogram->observe does, in its order, with one search for the segment and the object.
inline void observe(Metric& m, double value) noexcept {
  const auto* const histogram = handle_of<metrics_histogram>(m);
  if (histogram == nullptr || m.own == nullptr || !m.own->has_bounds_of_series() || value != value)
      [[unlikely]] {
    return observe_apart(m, value);
  }
  std::uint64_t* const first = metrics_hot_first(&histogram->place);
  if (first == nullptr) [[unlikely]]
    return observe_apart(m, value);
  const std::uint32_t bucket = histogram->find(histogram->bounds, histogram->padded, value);
  metrics_hot_count(first + bucket, 1);
  metrics_hot_sum(first + histogram->sum, value);
  m.own->observe(bucket, value);
}

PyObject* observe_with_exemplar(PyObject* self, const Observation& given) {
  if (refused_as_parent(self)) return nullptr;
  const double value = PyFloat_AsDouble(given.amount);
  if (value == -1 && PyErr_Occurred()) return nullptr;
  ExemplarTexts texts(self, given.exemplar);
  Metric& m = metric_of(self);
  if (!texts.is_valid()) {
    observe(m, value);
    return texts.raise();
  }
  observe_own(m, value);
  metrics_histogram_observe_exemplar(handle_of<metrics_histogram>(m), value, texts.names(),
                                     texts.values(), texts.count());
  return keep_exemplar(self, given);
}

inline PyObject* observe_amount(PyObject* self, PyObject* amount) {
  Metric& m = metric_of(self);
  if (!m.observable) [[unlikely]] {
    refused_as_parent(self);
    return nullptr;
  }
  const double value = PyFloat_AsDouble(amount);
  if (value == -1 && PyErr_Occurred()) return nullptr;
  observe(m, value);
  return none();
}

bool is_summary(const Metric& m) noexcept {
  return m.own != nullptr && m.own->bounds() != nullptr && m.own->bounds()->empty();
}

[[gnu::noinline]] PyObject* observe_named(PyObject* self, PyObject* const* args, Py_ssize_t count,
                                          PyObject* names) {
  Observation given{};
  if (!take_observation("observe", args, count, names, given)) return nullptr;
  if (given.amount == nullptr) {
    return PyErr_Format(PyExc_TypeError, "observe() missing 1 required argument: 'amount'");
  }
  if (given.exemplar != nullptr && is_summary(metric_of(self))) {
    return PyErr_Format(PyExc_TypeError, "observe() of a summary takes no exemplar");
  }
  return has_exemplar(given) ? observe_with_exemplar(self, given)
                             : observe_amount(self, given.amount);
}

PyObject* observe_python(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  const bool is_plain = count == 1 && names == nullptr;
  return is_plain ? observe_amount(self, args[0]) : observe_named(self, args, count, names);
}

// Gives the object buckets of its own. Returns false with an exception set.
bool begin_buckets(PyObject* self, const Bounds& bounds) {
  Own* own = own_of(metric_of(self));
  try {
    if (own != nullptr) own->begin_buckets(std::make_shared<const Bounds>(bounds));
  } catch (const std::bad_alloc&) {
    own = nullptr;
  }
  if (own == nullptr) PyErr_NoMemory();
  return own != nullptr;
}

// Implements _add_to_bucket(at, count): counts observations in the bucket of that index, without
// their sum, as programs do that write to prometheus_client's own numbers. A thread without a slot
// of its own counts them in the object alone.
PyObject* add_to_bucket(PyObject* self, PyObject* args) {
  Py_ssize_t at = 0;
  double count = 0;
  if (PyArg_ParseTuple(args, "nd", &at, &count) == 0) return nullptr;
  Metric& m = metric_of(self);
  if (m.own == nullptr || at < 0) return none();
  std::vector<double>& counts = m.own->counts();
  const auto bucket = static_cast<std::size_t>(at);
  if (bucket >= counts.size()) return none();
  counts[bucket] += count;
  const auto* histogram = handle_of<metrics_histogram>(m);
  if (histogram == nullptr || !(count > 0 && count < METRICS_HOT_EXACT)) return none();
  std::uint64_t* first = metrics_hot_first(&histogram->place);
  if (first == nullptr) return none();
  // With native buckets, there are more cells than explicit buckets.
  const Bounds& bounds = *m.own->bounds();
  const double upper = bucket < bounds.size() ? bounds[bucket] : HUGE_VAL;
  const std::uint32_t cell = histogram->find(histogram->bounds, histogram->padded, upper);
  metrics_hot_count(first + cell, static_cast<std::uint64_t>(count));
  return none();
}

// Implements _add_to_sum(amount): adds to the sum without an observation; see add_to_bucket().
PyObject* add_to_sum(PyObject* self, PyObject* given) {
  const double amount = PyFloat_AsDouble(given);
  if (amount == -1 && PyErr_Occurred()) return nullptr;
  Metric& m = metric_of(self);
  if (m.own == nullptr || amount != amount) return none();
  m.own->count(amount);
  const auto* histogram = handle_of<metrics_histogram>(m);
  if (histogram == nullptr) return none();
  std::uint64_t* first = metrics_hot_first(&histogram->place);
  if (first != nullptr) metrics_hot_sum(first + histogram->sum, amount);
  return none();
}

// Implements _family(name, help, unit, labels, max_series, bounds, native, exemplars), where bounds
// is a tuple of floats, or None for a summary, and native a tuple (factor, min, max, negative), or
// None.
PyObject* family(PyObject* self, PyObject* args) {
  Names names{};
  PyObject* given = nullptr;
  PyObject* native = nullptr;
  if (PyArg_ParseTuple(args, "sssO!nOOp", &names.name, &names.help, &names.unit, &PyTuple_Type,
                       &names.labels, &names.max_series, &given, &native, &names.exemplars) == 0) {
    return nullptr;
  }
  if (given == Py_None) {
    if (!begin_buckets(self, {})) return nullptr;
    return define(self, Kind::kHistogram, METRICS_SUMMARY, names);
  }
  if (!PyTuple_Check(given)) {
    PyErr_SetString(PyExc_TypeError, "the bounds are a tuple of floats, or None");
    return nullptr;
  }
  std::vector<double> bounds;
  const Py_ssize_t count = PyTuple_Size(given);
  bounds.reserve(static_cast<std::size_t>(count) + 1);  // so that data() is not null
  for (Py_ssize_t i = 0; i < count; ++i) {
    bounds.push_back(PyFloat_AsDouble(PyTuple_GetItem(given, i)));
    if (bounds.back() == -1 && PyErr_Occurred()) return nullptr;
  }
  if (!begin_buckets(self, bounds)) return nullptr;
  metrics_family_options options{};
  options.bounds = bounds.data();
  options.bound_count = bounds.size();
  metrics_native by_rule{};
  by_rule.size = sizeof by_rule;
  if (native != Py_None) {
    if (PyArg_ParseTuple(native, "dddp", &by_rule.factor, &by_rule.min, &by_rule.max,
                         &by_rule.negative) == 0) {
      return nullptr;
    }
    options.native = &by_rule;
  }
  return define(self, Kind::kHistogram, METRICS_HISTOGRAM, names, options);
}

PyMethodDef methods[] = {
    {"observe", method(&observe_python), METH_FASTCALL | METH_KEYWORDS,
     "observe($self, amount, exemplar=None)\n--\n\n"
     "Counts the amount in its bucket and adds it to the sum. Keeps the exemplar, a dict of "
     "labels, if the metric has places for exemplars.\n\n"
     "ValueError: label values are missing; or the exemplar's labels are none or too long: then "
     "the amount counts. NaN is ignored and counted as dropped."},
    {"time", &time_observe, METH_NOARGS,
     "time($self)\n--\n\nA context manager and decorator that observes the seconds that the block "
     "took."},
    {"_family", &family, METH_VARARGS, nullptr},
    {"_add_to_bucket", &add_to_bucket, METH_VARARGS, nullptr},
    {"_add_to_sum", &add_to_sum, METH_O, nullptr},
    {"_series", method(&series<Kind::kHistogram>), METH_METHOD | METH_FASTCALL | METH_KEYWORDS,
     nullptr},
    {}};

}  // namespace

PyCFunction observe_function() noexcept { return method(&observe_python); }

PyObject* observe_value(PyObject* self, double value) {
  if (refused_as_parent(self)) return nullptr;
  observe(metric_of(self), value);
  return none();
}

PyMethodDef* histogram_methods() { return methods; }

PyObject* make_histogram_type(PyObject* module, PyObject* base) {
  return make_kind_type(module, base, "libmetrics._metrics.Histogram", methods);
}

}  // namespace metrics::python
