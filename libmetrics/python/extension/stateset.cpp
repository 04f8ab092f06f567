// stateset.cpp -- StateSet: which of several states something is in.
#include "libmetrics/python/extension/metric.h"
#include "libmetrics/python/extension/series.h"

namespace metrics::python {
namespace {

// Implements _set(index): sets this process's state.
PyObject* set(PyObject* self, PyObject* index) {
  if (refused_as_parent(self)) return nullptr;
  const std::size_t state = PyLong_AsSize_t(index);
  if (state == METRICS_NO_STATE && PyErr_Occurred() != nullptr) return nullptr;
  metrics_stateset_set(handle_of<metrics_stateset>(metric_of(self)), state);
  return none();
}

// Implements _own_state(): returns the index of this process's state; None if it has none.
PyObject* own_state(PyObject* self, PyObject*) {
  std::size_t state = METRICS_NO_STATE;
  const metrics_status status =
      metrics_stateset_value(handle_of<metrics_stateset>(metric_of(self)), &state);
  return status == METRICS_OK && state != METRICS_NO_STATE ? PyLong_FromSize_t(state) : none();
}

// Implements _family(name, help, labels, max_series, mode, states), where mode is a number of
// metrics_mode, and states is a tuple of strings.
PyObject* family(PyObject* self, PyObject* args) {
  Names names{};
  int mode = 0;
  PyObject* given = nullptr;
  if (PyArg_ParseTuple(args, "ssO!niO!", &names.name, &names.help, &PyTuple_Type, &names.labels,
                       &names.max_series, &mode, &PyTuple_Type, &given) == 0) {
    return nullptr;
  }
  const auto states = bytes_of(given);
  if (states == nullptr) return nullptr;
  metrics_family_options options{};
  options.mode = mode == METRICS_ALL ? METRICS_STATESET_ALL : static_cast<metrics_mode>(mode);
  options.states = states.get();
  options.state_count = static_cast<std::size_t>(PyTuple_Size(given));
  return define(self, Kind::kStateSet, METRICS_STATESET, names, options);
}

PyMethodDef methods[] = {{"_set", &set, METH_O, nullptr},
                         {"_own_state", &own_state, METH_NOARGS, nullptr},
                         {"_family", &family, METH_VARARGS, nullptr},
                         {"_series", method(&series<Kind::kStateSet>),
                          METH_METHOD | METH_FASTCALL | METH_KEYWORDS, nullptr},
                         {}};

}  // namespace

PyObject* make_stateset_type(PyObject* module, PyObject* base) {
  return make_kind_type(module, base, "libmetrics._metrics.StateSet", methods);
}

}  // namespace metrics::python
