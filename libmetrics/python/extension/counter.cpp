// counter.cpp -- Counter: inc().
#include "libmetrics/python/extension/metric.h"
#include "libmetrics/python/extension/observation.h"
#include "libmetrics/python/extension/series.h"

namespace metrics::python {
namespace {

void add_whole(metrics_counter* counter, std::uint64_t n) noexcept {
  if (counter == nullptr) return;
  if (std::uint64_t* first = metrics_hot_first(&counter->place); first != nullptr) {
    metrics_hot_count(first, n);
  } else {
    metrics_counter_inc(counter, n);
  }
}

void count_own(const Metric& m, double amount) noexcept {
  if (m.own != nullptr) m.own->count(amount);
}

PyObject* refuse_negative() {
  PyErr_SetString(PyExc_ValueError, "Counters can only be incremented by non-negative amounts.");
  return nullptr;
}

PyObject* add(const Metric& m, metrics_counter* counter, PyObject* amount) {
  if (PyLong_Check(amount)) {
    int overflow = 0;
    const long long whole = PyLong_AsLongLongAndOverflow(amount, &overflow);
    if (whole == -1 && overflow == 0 && PyErr_Occurred()) return nullptr;
    if (whole < 0 && overflow <= 0) return refuse_negative();
    if (overflow == 0) {
      add_whole(counter, static_cast<std::uint64_t>(whole));
      count_own(m, static_cast<double>(whole));
      return none();
    }
  }
  const double value = PyFloat_AsDouble(amount);
  if (value == -1 && PyErr_Occurred()) return nullptr;
  if (value < 0) return refuse_negative();
  metrics_counter_add(counter, value);
  if (value == value) count_own(m, value);
  return none();
}

PyObject* inc_with_exemplar(PyObject* self, const Observation& given) {
  const double value = given.amount == nullptr ? 1 : PyFloat_AsDouble(given.amount);
  if (value == -1 && PyErr_Occurred()) return nullptr;
  if (value < 0) return refuse_negative();
  ExemplarTexts texts(self, given.exemplar);
  const Metric& m = metric_of(self);
  auto* counter = handle_of<metrics_counter>(m);
  if (value == value) count_own(m, value);
  if (!texts.is_valid()) {
    metrics_counter_add(counter, value);
    return texts.raise();
  }
  metrics_counter_add_exemplar(counter, value, texts.names(), texts.values(), texts.count());
  return keep_exemplar(self, given);
}

PyObject* inc(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  Metric& m = metric_of(self);
  if (!m.observable) {
    refused_as_parent(self);
    return nullptr;
  }
  auto* counter = handle_of<metrics_counter>(m);
  if (count == 0 && names == nullptr) {
    add_whole(counter, 1);
    count_own(m, 1);
    return none();
  }
  Observation given{};
  if (!take_observation("inc", args, count, names, given)) return nullptr;
  if (has_exemplar(given)) return inc_with_exemplar(self, given);
  if (given.amount != nullptr) return add(m, counter, given.amount);
  add_whole(counter, 1);
  count_own(m, 1);
  return none();
}

// Implements _family(name, help, unit, labels, max_series, exemplars); see define().
PyObject* family(PyObject* self, PyObject* args) {
  Names names{};
  if (PyArg_ParseTuple(args, "sssO!np", &names.name, &names.help, &names.unit, &PyTuple_Type,
                       &names.labels, &names.max_series, &names.exemplars) == 0) {
    return nullptr;
  }
  return define(self, Kind::kCounter, METRICS_COUNTER, names);
}

PyMethodDef methods[] = {
    {"inc", method(&inc), METH_FASTCALL | METH_KEYWORDS,
     "inc($self, amount=1, exemplar=None)\n--\n\n"
     "Adds the amount, an int or a float. Keeps the exemplar, a dict of labels, if the metric has "
     "places for exemplars.\n\n"
     "ValueError: the amount is negative, or label values are missing; or the exemplar's labels "
     "are none or too long: then the amount counts. NaN is ignored and counted as dropped."},
    {"_family", &family, METH_VARARGS, nullptr},
    {"_series", method(&series<Kind::kCounter>), METH_METHOD | METH_FASTCALL | METH_KEYWORDS,
     nullptr},
    {}};

}  // namespace

PyMethodDef* counter_methods() { return methods; }

PyObject* make_counter_type(PyObject* module, PyObject* base) {
  return make_kind_type(module, base, "libmetrics._metrics.Counter", methods);
}

}  // namespace metrics::python
