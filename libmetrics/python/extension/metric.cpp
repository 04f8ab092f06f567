#include "libmetrics/python/extension/metric.h"

#include <memory>

#include "libmetrics/format/label_values.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/python/extension/children.h"
#include "libmetrics/python/extension/messages.h"
#include "libmetrics/python/extension/series.h"

namespace metrics::python {
namespace {

const char* kind_name(Kind kind) noexcept {
  switch (kind) {
    case Kind::kCounter:
      return "counter";
    case Kind::kGauge:
      return "gauge";
    case Kind::kHistogram:
      return "histogram";
    case Kind::kInfo:
      return "info";
    case Kind::kStateSet:
      return "stateset";
    case Kind::kNone:
      break;
  }
  return "this";
}

// Implements _give_up(): takes back the definition, for a metric that is unregistered.
PyObject* give_up(PyObject* self, PyObject*) {
  const Metric& m = metric_of(self);
  if (m.family != nullptr) metrics_family_give_up(m.family);
  return none();
}

// Implements _remove(values): removes the series for all processes, and returns messages().
PyObject* remove(PyObject* self, PyObject* values) {
  const Metric& m = metric_of(self);
  if (!PyTuple_Check(values)) {
    PyErr_SetString(PyExc_TypeError, "_remove(values: tuple)");
    return nullptr;
  }
  const auto strings = bytes_of(values);
  if (strings == nullptr) return nullptr;
  if (m.family == nullptr) return none();
  const UnderLock scope;
  return messages(
      metrics_remove(m.family, strings.get(), static_cast<std::size_t>(PyTuple_Size(values))));
}

// Implements _remove_all(): removes all series of the family, for all processes.
PyObject* remove_all(PyObject* self, PyObject*) {
  const Metric& m = metric_of(self);
  const UnderLock scope;
  return m.family == nullptr ? none() : messages(metrics_clear(m.family));
}

// Returns True unless this is a child that has got no series of its own: there is no room for one,
// or its family has as many as it may have. Its label values, which may never end, must then not be
// remembered. In a segment that was not joined, children are remembered.
PyObject* get_own(PyObject* self, void*) {
  const Metric& m = metric_of(self);
  const auto* place = static_cast<const std::uint64_t*>(m.series);  // which all handles begin with
  const bool counts_elsewhere =
      m.state == nullptr && place != nullptr &&
      metrics_hot_segment(__atomic_load_n(place, __ATOMIC_RELAXED)) != METRICS_NOWHERE;
  return PyBool_FromLong(!m.refused && !counts_elsewhere);
}

PyObject* get_observable(PyObject* self, void*) {
  return PyBool_FromLong(metric_of(self).observable);
}

PyObject* get_has_exemplars(PyObject* self, void*) {
  return PyBool_FromLong(metrics_family_has_exemplars(metric_of(self).family));
}

PyObject* get_removed(PyObject* self, void*) {
  return PyBool_FromLong(is_removed(metric_of(self)));
}

// ---- what this object has counted in this process ----

PyObject* get_mine(PyObject* self, void*) {
  const Metric& m = metric_of(self);
  if (m.own == nullptr) return PyFloat_FromDouble(0);
  return PyFloat_FromDouble(m.kind == Kind::kGauge ? m.own->value() : m.own->counted());
}

int set_mine(PyObject* self, PyObject* given, void*) {
  const double value = given == nullptr ? 0 : PyFloat_AsDouble(given);
  if (value == -1 && PyErr_Occurred()) return -1;
  Own* own = own_of(metric_of(self));
  if (own == nullptr) {
    PyErr_NoMemory();
    return -1;
  }
  own->counted();
  own->set(value);
  return 0;
}

PyObject* get_mine_counts(PyObject* self, void*) {
  const Metric& m = metric_of(self);
  if (m.own == nullptr) return PyTuple_New(0);
  const std::vector<double>& counts = m.own->counts();
  return tuple_of(counts.size(), [&](std::size_t i) { return PyFloat_FromDouble(counts[i]); });
}

// Implements _begin_anew(): sets the object's own numbers to 0.
PyObject* begin_anew(PyObject* self, PyObject*) {
  if (Own* own = metric_of(self).own; own != nullptr) own->restart();
  return none();
}

// ---- the type ----

int traverse(PyObject* self, visitproc visit, void* arg) {
  const Metric& m = metric_of(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(m.label_names);
  Py_VISIT(m.children);
  Py_VISIT(m.values);
  return 0;
}

// Keeps the values: they are strings, which are never part of a reference cycle, and they own what
// `strings` points to.
int clear(PyObject* self) {
  Metric& m = metric_of(self);
  Py_CLEAR(m.label_names);
  Py_CLEAR(m.children);
  return 0;
}

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  clear(self);
  Metric& m = metric_of(self);
  metrics_release(m.family, m.series);
  delete[] m.strings;
  delete m.own;
  Py_CLEAR(m.values);
  reinterpret_cast<freefunc>(PyType_GetSlot(type, Py_tp_free))(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"labels", method(&labels), METH_FASTCALL | METH_KEYWORDS,
     "labels(*values, **values)\n--\n\n"
     "The child with these label values, by position or by keyword; made if it is new.\n\n"
     "ValueError: the metric has no labels, or has them set already, or their number or names are "
     "wrong."},
    {"_parent", &parent, METH_O, nullptr},
    {"_adopt", method(&adopt), METH_METHOD | METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"_begin_anew", &begin_anew, METH_NOARGS, nullptr},
    {"_give_up", &give_up, METH_NOARGS, nullptr},
    {"_forget", &forget, METH_O, nullptr},
    {"_forget_all", &forget_all, METH_NOARGS, nullptr},
    {"_remove", &remove, METH_O, nullptr},
    {"_remove_all", &remove_all, METH_NOARGS, nullptr},
    {"_renew", &renew, METH_NOARGS, nullptr},
    {}};

PyGetSetDef properties[] = {{"_observable", &get_observable, nullptr, nullptr, nullptr},
                            {"_own", &get_own, nullptr, nullptr, nullptr},
                            {"_has_exemplars", &get_has_exemplars, nullptr, nullptr, nullptr},
                            {"_removed", &get_removed, nullptr, nullptr, nullptr},
                            {"_mine", &get_mine, &set_mine, nullptr, nullptr},
                            {"_mine_counts", &get_mine_counts, nullptr, nullptr, nullptr},
                            {}};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>(
         "What all metrics have in common. Use the classes of libmetrics.prometheus_client.")},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_traverse, reinterpret_cast<void*>(&traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(&clear)},
    {Py_tp_dealloc, reinterpret_cast<void*>(&dealloc)},
    {0, nullptr}};

PyType_Spec spec = {"libmetrics._metrics.Metric", sizeof(Metric), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

}  // namespace

std::unique_ptr<const char* []> bytes_of(PyObject* tuple) {
  const Py_ssize_t count = PyTuple_Size(tuple);
  if (count < 0) return nullptr;
  auto strings = std::make_unique<const char*[]>(static_cast<std::size_t>(count) + 1);
  for (Py_ssize_t i = 0; i < count; ++i) {
    strings[static_cast<std::size_t>(i)] =
        PyUnicode_AsUTF8AndSize(PyTuple_GetItem(tuple, i), nullptr);
    if (strings[static_cast<std::size_t>(i)] == nullptr) return nullptr;
  }
  return strings;
}

PyMethodDef* metric_methods() {
  return methods;
}

bool give_methods(PyObject* cls, PyMethodDef* given) {
  for (PyMethodDef* m = given; m->ml_name != nullptr; ++m) {
    const bool is_update = (m->ml_flags & METH_FASTCALL) != 0 && m->ml_name[0] != '_';
    if (!is_update) continue;
    const Ref own(PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(cls), m));
    if (!own || PyObject_SetAttrString(cls, m->ml_name, own.get()) != 0) return false;
  }
  return true;
}

PyObject* make_metric_type(PyObject* module) {
  return PyType_FromModuleAndSpec(module, &spec, nullptr);
}

PyObject* make_kind_type(PyObject* module, PyObject* base, const char* name, PyMethodDef* own) {
  PyType_Slot own_slots[] = {{Py_tp_methods, own}, {0, nullptr}};
  PyType_Spec own_spec = {name, sizeof(Metric), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                          own_slots};
  return PyType_FromModuleAndSpec(module, &own_spec, base);
}

bool refused_as_parent(PyObject* self) {
  const Metric& m = metric_of(self);
  if (m.observable) return false;
  const Ref type(PyObject_GetAttrString(self, "_type"));
  if (!type) PyErr_Clear();
  if (type && PyUnicode_Check(type.get())) {
    PyErr_Format(PyExc_ValueError, "%U metric is missing label values", type.get());
  } else {
    PyErr_Format(PyExc_ValueError, "%s metric is missing label values", kind_name(m.kind));
  }
  return true;
}

PyObject* define(PyObject* self, Kind kind, metrics_type type, const Names& names,
                 metrics_family_options options) {
  Metric& m = metric_of(self);
  if (m.kind != Kind::kNone) {
    PyErr_SetString(PyExc_TypeError, "the metric is defined already");
    return nullptr;
  }
  const auto labels = bytes_of(names.labels);
  if (labels == nullptr) return nullptr;
  options.size = sizeof options;
  options.unit = names.unit;
  options.max_series = static_cast<std::size_t>(names.max_series);
  options.exemplars = names.exemplars;
  metrics_family* family = nullptr;
  const UnderLock scope;
  const metrics_status status =
      metrics_family_of(nullptr, type, names.name, names.help, labels.get(),
                        static_cast<std::size_t>(PyTuple_Size(names.labels)), &options, &family);
  m.family = family;
  m.kind = kind;
  if (own_of(m) == nullptr) return PyErr_NoMemory();
  return messages(status);
}

PyObject* label_value(PyObject*, PyObject* given) {
  Py_ssize_t size = 0;
  const char* bytes = PyUnicode_AsUTF8AndSize(given, &size);
  if (bytes == nullptr) return nullptr;
  const std::string_view held(bytes, static_cast<std::size_t>(size));
  if (held.size() > format::kMaxStringBytes) return text(format::label_value(held).text);
  Py_INCREF(given);
  return given;
}

}  // namespace metrics::python
