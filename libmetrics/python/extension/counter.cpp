// counter.cpp -- Counter: inc().
#include "libmetrics/python/extension/metric.h"

namespace metrics::python {
namespace {

void add_whole(metrics_counter* counter, std::uint64_t n) noexcept {
  if (counter == nullptr) return;
  if (std::uint64_t* cells = metrics_hot_cells(counter->segment); cells != nullptr) {
    metrics_hot_count(cells + counter->cell, n);
  } else {
    metrics_counter_inc(counter, n);
  }
}

PyObject* refuse_negative() {
  PyErr_SetString(PyExc_ValueError, "Counters can only be incremented by non-negative amounts.");
  return nullptr;
}

PyObject* add(metrics_counter* counter, PyObject* amount) {
  if (PyLong_Check(amount)) {
    int overflow = 0;
    const long long whole = PyLong_AsLongLongAndOverflow(amount, &overflow);
    if (whole == -1 && overflow == 0 && PyErr_Occurred()) return nullptr;
    if (whole < 0 && overflow <= 0) return refuse_negative();
    if (overflow == 0) {
      add_whole(counter, static_cast<std::uint64_t>(whole));
      return none();
    }
  }
  const double value = PyFloat_AsDouble(amount);
  if (value == -1 && PyErr_Occurred()) return nullptr;
  if (value < 0) return refuse_negative();
  metrics_counter_add(counter, value);
  return none();
}

PyObject* check_exemplar(PyObject* self, PyObject* exemplar) {
  const Ref check(PyObject_GetAttrString(self, "_check_exemplar"));
  if (!check) return nullptr;
  return PyObject_CallFunctionObjArgs(check.get(), exemplar, nullptr);
}

PyObject* inc(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  Metric& m = metric_of(self);
  if (!m.observable) {
    refused_as_parent(self);
    return nullptr;
  }
  auto* counter = static_cast<metrics_counter*>(m.series);
  if (count == 0 && names == nullptr) {
    add_whole(counter, 1);
    return none();
  }
  PyObject* amount = count > 0 ? args[0] : nullptr;
  PyObject* exemplar = count > 1 ? args[1] : nullptr;
  if (count > 2)
    return PyErr_Format(PyExc_TypeError, "inc() takes at most 2 arguments (%zd given)", count);
  for (Py_ssize_t i = 0; names != nullptr && i < PyTuple_Size(names); ++i) {
    PyObject* name = PyTuple_GetItem(names, i);
    if (PyUnicode_CompareWithASCIIString(name, "amount") == 0 && amount == nullptr) {
      amount = args[count + i];
    } else if (PyUnicode_CompareWithASCIIString(name, "exemplar") == 0 && exemplar == nullptr) {
      exemplar = args[count + i];
    } else {
      return unexpected_keyword("inc", name);
    }
  }
  Ref result;
  if (amount == nullptr) {
    add_whole(counter, 1);
    result = Ref(none());
  } else {
    result = Ref(add(counter, amount));
  }
  if (result && exemplar != nullptr && exemplar != Py_None)
    result = Ref(check_exemplar(self, exemplar));
  return result.release();
}

metrics_status make(const Names& n, const char* const* labels, size_t count, void*,
                    metrics_family** out) {
  return metrics_counter_family(nullptr, n.name, n.help, n.unit, labels, count, out);
}

// _family(name, help, unit, labels)
PyObject* family(PyObject* self, PyObject* args) {
  Names names{};
  if (PyArg_ParseTuple(args, "sssO!", &names.name, &names.help, &names.unit, &PyTuple_Type,
                       &names.labels) == 0) {
    return nullptr;
  }
  return define(self, Kind::kCounter, names, &make, nullptr);
}

PyObject* series(PyObject* self, PyTypeObject* type, PyObject* const* args, Py_ssize_t count,
                 PyObject*) {
  return bind(self, type, Kind::kCounter, args, count);
}

PyMethodDef methods[] = {
    {"inc", method(&inc), METH_FASTCALL | METH_KEYWORDS,
     "inc($self, amount=1, exemplar=None)\n--\n\n"
     "Adds the amount, an int or a float.\n\n"
     "ValueError: the amount is negative, or label values are missing. NaN is ignored and counted "
     "as dropped."},
    {"_family", &family, METH_VARARGS, nullptr},
    {"_series", method(&series), METH_METHOD | METH_FASTCALL | METH_KEYWORDS, nullptr},
    {}};
PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, nullptr}};
PyType_Spec spec = {"libmetrics._metrics.Counter", sizeof(Metric), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

PyMethodDef* counter_methods() { return methods; }

PyObject* make_counter_type(PyObject* module, PyObject* base) {
  return PyType_FromModuleAndSpec(module, &spec, base);
}

}  // namespace metrics::python
