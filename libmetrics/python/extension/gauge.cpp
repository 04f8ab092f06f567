// gauge.cpp -- Gauge: set(), inc(), dec(), set_to_current_time().
#include "libmetrics/python/extension/metric.h"
#include "libmetrics/python/extension/observation.h"
#include "libmetrics/python/extension/series.h"
#include "libmetrics/python/extension/timer.h"

namespace metrics::python {
namespace {

metrics_gauge* gauge_of(PyObject* self) { return handle_of<metrics_gauge>(metric_of(self)); }

// Converts as float() does, which accepts strings that spell a number. Returns false with an
// exception set for anything else.
bool as_float(PyObject* object, double& value) {
  value = PyFloat_AsDouble(object);
  if (value != -1 || !PyErr_Occurred()) return true;
  if (!PyUnicode_Check(object) && !PyBytes_Check(object)) return false;
  PyErr_Clear();
  const Ref number(PyNumber_Float(object));
  if (!number) return false;
  value = PyFloat_AsDouble(number.get());
  return true;
}

// Returns the only argument of set, inc or dec, given by position or under the name `expected`;
// nullptr without an exception if it was not given, with one if other arguments were.
PyObject* argument(const char* function, const char* expected, PyObject* const* args,
                   Py_ssize_t count, PyObject* names) {
  const Py_ssize_t keywords = names == nullptr ? 0 : PyTuple_Size(names);
  if (count + keywords > 1) {
    return PyErr_Format(PyExc_TypeError, "%s() takes at most 1 argument (%zd given)", function,
                        count + keywords);
  }
  if (keywords == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GetItem(names, 0), expected) != 0) {
    return unexpected_keyword(function, PyTuple_GetItem(names, 0));
  }
  return count + keywords == 1 ? args[0] : nullptr;
}

PyObject* set(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  if (refused_as_parent(self)) return nullptr;
  PyObject* given = argument("set", "value", args, count, names);
  if (given == nullptr) {
    if (!PyErr_Occurred())
      PyErr_SetString(PyExc_TypeError, "set() missing 1 required argument: 'value'");
    return nullptr;
  }
  double value = 0;
  return as_float(given, value) ? set_value(self, value) : nullptr;
}

PyObject* add(const char* function, double sign, PyObject* self, PyObject* const* args,
              Py_ssize_t count, PyObject* names) {
  if (refused_as_parent(self)) return nullptr;
  PyObject* given = argument(function, "amount", args, count, names);
  double amount = 1;
  if (given != nullptr) amount = PyFloat_AsDouble(given);
  if ((given == nullptr || amount == -1) && PyErr_Occurred()) return nullptr;
  metrics_gauge_add(gauge_of(self), sign * amount);
  if (Own* own = metric_of(self).own; own != nullptr) own->add(sign * amount);
  return none();
}
PyObject* inc(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return add("inc", 1, self, args, count, names);
}
PyObject* dec(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return add("dec", -1, self, args, count, names);
}

// Implements _family(name, help, unit, labels, max_series, mode), where mode is a number of
// metrics_mode.
PyObject* family(PyObject* self, PyObject* args) {
  Names names{};
  int number = 0;
  if (PyArg_ParseTuple(args, "sssO!ni", &names.name, &names.help, &names.unit, &PyTuple_Type,
                       &names.labels, &names.max_series, &number) == 0) {
    return nullptr;
  }
  metrics_family_options options{};
  options.mode = static_cast<metrics_mode>(number);
  metric_of(self).begins_at_zero = number == METRICS_ALL || number == METRICS_LIVEALL;
  return define(self, Kind::kGauge, METRICS_GAUGE, names, options);
}

PyMethodDef methods[] = {
    {"set", method(&set), METH_FASTCALL | METH_KEYWORDS,
     "set($self, value)\n--\n\nSets this process's value.\n\nValueError: label values are "
     "missing."},
    {"inc", method(&inc), METH_FASTCALL | METH_KEYWORDS,
     "inc($self, amount=1)\n--\n\nAdds the amount to this process's value.\n\nValueError: label "
     "values are missing."},
    {"dec", method(&dec), METH_FASTCALL | METH_KEYWORDS,
     "dec($self, amount=1)\n--\n\nTakes the amount from this process's value.\n\n"
     "ValueError: label values are missing."},
    {"time", &time_set, METH_NOARGS,
     "time($self)\n--\n\nA context manager and decorator that sets the gauge to the seconds that "
     "the "
     "block took."},
    {"_family", &family, METH_VARARGS, nullptr},
    {"_series", method(&series<Kind::kGauge>), METH_METHOD | METH_FASTCALL | METH_KEYWORDS,
     nullptr},
    {}};

}  // namespace

PyCFunction set_function() noexcept { return method(&set); }

PyObject* set_value(PyObject* self, double value) {
  if (refused_as_parent(self)) return nullptr;
  metrics_gauge_set(gauge_of(self), value);
  if (Own* own = metric_of(self).own; own != nullptr) own->set(value);
  return none();
}

PyMethodDef* gauge_methods() { return methods; }

PyObject* make_gauge_type(PyObject* module, PyObject* base) {
  return make_kind_type(module, base, "libmetrics._metrics.Gauge", methods);
}

}  // namespace metrics::python
