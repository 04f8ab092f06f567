// info.cpp -- Info: constant information as labels, with the value 1.
#include "libmetrics/python/extension/messages.h"
#include "libmetrics/python/extension/metric.h"

namespace metrics::python {
namespace {

// Implements _family(name, help).
PyObject* family(PyObject* self, PyObject* args) {
  Names names{};
  if (PyArg_ParseTuple(args, "ss", &names.name, &names.help) == 0) return nullptr;
  const Ref no_labels(PyTuple_New(0));
  if (!no_labels) return nullptr;
  names.labels = no_labels.get();
  return define(self, Kind::kInfo, METRICS_INFO, names);
}

// Implements _state(names, values), where both are tuples of strings of the same length. Returns
// messages().
PyObject* state(PyObject* self, PyObject* args) {
  const Metric& m = metric_of(self);
  PyObject* given[2] = {nullptr, nullptr};
  if (PyArg_ParseTuple(args, "O!O!", &PyTuple_Type, &given[0], &PyTuple_Type, &given[1]) == 0)
    return nullptr;
  const Py_ssize_t count = PyTuple_Size(given[0]);
  if (PyTuple_Size(given[1]) != count) {
    PyErr_SetString(PyExc_TypeError, "as many names as values are needed");
    return nullptr;
  }
  const auto names = bytes_of(given[0]);
  const auto values = names == nullptr ? nullptr : bytes_of(given[1]);
  if (values == nullptr) return nullptr;
  if (m.family == nullptr || m.kind != Kind::kInfo) return none();
  const UnderLock scope;
  return messages(
      metrics_info_state(m.family, names.get(), values.get(), static_cast<std::size_t>(count)));
}

PyMethodDef methods[] = {
    {"_family", &family, METH_VARARGS, nullptr}, {"_state", &state, METH_VARARGS, nullptr}, {}};
PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, nullptr}};
PyType_Spec spec = {"libmetrics._metrics.Info", sizeof(Metric), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

PyObject* make_info_type(PyObject* module, PyObject* base) {
  return PyType_FromModuleAndSpec(module, &spec, base);
}

}  // namespace metrics::python
