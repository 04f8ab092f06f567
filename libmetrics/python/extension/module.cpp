// module.cpp -- libmetrics._metrics: the C ABI for Python's classes in
// libmetrics.prometheus_client.
#include "libmetrics/python/extension/messages.h"
#include "libmetrics/python/extension/metric.h"
#include "libmetrics/python/extension/processes.h"
#include "libmetrics/python/extension/snapshot.h"
#include "libmetrics/python/extension/tables.h"
#include "libmetrics/python/extension/timer.h"
#include "metrics/metrics.h"

namespace metrics::python {
namespace {

PyObject* version(PyObject*, PyObject*) { return PyUnicode_FromString(metrics_version()); }

PyObject* segment_path(PyObject*, PyObject*) {
  return PyUnicode_DecodeFSDefault(metrics_segment_path(metrics_default()));
}

PyObject* segment_status(PyObject*, PyObject*) {
  const metrics_status status = metrics_segment_status(metrics_default());
  return Py_BuildValue("ss", metrics_status_name(status),
                       status == METRICS_OK ? "" : metrics_last_error());
}

// Implements own_methods(cls), a class decorator; see give_methods().
PyObject* own_methods(PyObject* module, PyObject* cls) {
  if (!PyType_Check(cls)) {
    PyErr_SetString(PyExc_TypeError, "own_methods(cls: type)");
    return nullptr;
  }
  struct Given {
    const char* base;
    PyMethodDef* methods;
  };
  const Given all[] = {{"Metric", metric_methods()},
                       {"Counter", counter_methods()},
                       {"Gauge", gauge_methods()},
                       {"Histogram", histogram_methods()}};
  for (const Given& given : all) {
    const Ref base(PyObject_GetAttrString(module, given.base));
    const int is_base = base ? PyObject_IsSubclass(cls, base.get()) : -1;
    if (is_base < 0 || (is_base == 1 && !give_methods(cls, given.methods))) return nullptr;
  }
  Py_INCREF(cls);
  return cls;
}

PyMethodDef functions[] = {
    {"own_methods", &own_methods, METH_O, nullptr},
    {"label_value", &label_value, METH_O,
     "label_value(text)\n--\n\n"
     "The text as it stands in the segment as a label's value: a long one is cut."},
    {"set_decorate", &set_decorate, METH_O, nullptr},
    {"version", &version, METH_NOARGS, "version()\n--\n\nThe library's version."},
    {"segment_path", &segment_path, METH_NOARGS,
     "segment_path()\n--\n\nThe file that metrics are counted in; joined, or created, at the first "
     "call."},
    {"segment_status", &segment_status, METH_NOARGS,
     "segment_status()\n--\n\n"
     "('ok', '') while this process is counted in slots of its own, else a status and a sentence "
     "that says why not."},
    {"is_only_process", &is_only_process, METH_NOARGS,
     "is_only_process()\n--\n\nTrue unless another living process counts in the segment."},
    {"snapshot", &snapshot, METH_NOARGS,
     "snapshot()\n--\n\n"
     "All families of the segment, all processes merged, as a dict by name; see snapshot.h.\n\n"
     "OSError: the segment can't be read; the text says why."},
    {}};

bool add(PyObject* module, const char* name, PyObject* made) {
  if (made == nullptr) return false;
  const bool added = PyModule_AddObjectRef(module, name, made) == 0;
  Py_DECREF(made);
  return added;
}

int execute(PyObject* module) {
  keep_messages();
  static const bool watched = (Own::watch_forks(), true);  // a module may be made more than once
  static_cast<void>(watched);
  const Ref base(make_metric_type(module));
  if (!base || PyModule_AddObjectRef(module, "Metric", base.get()) != 0) return -1;
  const bool all = add(module, "Counter", make_counter_type(module, base.get())) &&
                   add(module, "Gauge", make_gauge_type(module, base.get())) &&
                   add(module, "Histogram", make_histogram_type(module, base.get())) &&
                   add(module, "Info", make_info_type(module, base.get())) &&
                   add(module, "StateSet", make_stateset_type(module, base.get())) &&
                   add(module, "Timer", make_timer_type(module)) &&
                   add(module, "MODES", make_modes()) && add(module, "TYPES", make_types());
  return all ? 0 : -1;
}

PyModuleDef_Slot slots[] = {{Py_mod_exec, reinterpret_cast<void*>(&execute)}, {0, nullptr}};

PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                          "libmetrics._metrics",
                          "The C extension under libmetrics; use libmetrics.prometheus_client.",
                          0,
                          functions,
                          slots,
                          nullptr,
                          nullptr,
                          nullptr};

}  // namespace
}  // namespace metrics::python

PyMODINIT_FUNC PyInit__metrics() { return PyModuleDef_Init(&metrics::python::definition); }
