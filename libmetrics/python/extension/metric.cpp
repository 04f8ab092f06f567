#include "libmetrics/python/extension/metric.h"

#include <memory>
#include <utility>

#include "libmetrics/format/label_values.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/python/extension/messages.h"

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

// Looks the child's series up, and returns the status. The series is the same as before, unless a
// process has removed that: then it is a new one, in which the child counts from zero.
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

// Returns whether labels() must look up a child's series again: because it was removed, or because
// there was no room for it.
bool is_stale(const Metric& m) noexcept {
  if (m.state != nullptr) return is_removed(m);
  return m.strings != nullptr && m.family != nullptr;
}

// ---- labels() ----

// Calls _labels(), the Python part of labels(), which checks and converts the values, makes the
// child and puts it into `children`.
PyObject* labels_in_python(PyObject* self, PyObject* const* args, Py_ssize_t count,
                           PyObject* names) {
  Ref positional(PyTuple_New(count));
  Ref keywords(PyDict_New());
  if (!positional || !keywords) return nullptr;
  for (Py_ssize_t i = 0; i < count; ++i) {
    Py_INCREF(args[i]);
    PyTuple_SetItem(positional.get(), i, args[i]);
  }
  for (Py_ssize_t i = 0; names != nullptr && i < PyTuple_Size(names); ++i) {
    if (PyDict_SetItem(keywords.get(), PyTuple_GetItem(names, i), args[count + i]) != 0)
      return nullptr;
  }
  const Ref make(PyObject_GetAttrString(self, "_labels"));
  if (!make) return nullptr;
  return PyObject_CallFunctionObjArgs(make.get(), positional.get(), keywords.get(), nullptr);
}

// Returns the value for a label among keyword arguments; nullptr, without an exception, if it is
// not found. Compares names by identity, since names in calls and label names are both interned.
PyObject* keyword(PyObject* name, PyObject* const* values, PyObject* names, Py_ssize_t count) {
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (PyTuple_GetItem(names, i) == name) return values[i];
  }
  return nullptr;
}

PyObject* labels(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  Metric& m = metric_of(self);
  const Py_ssize_t keywords = names == nullptr ? 0 : PyTuple_Size(names);
  const bool by_position = keywords == 0 && count == m.count;
  const bool by_keyword = count == 0 && keywords == m.count;
  if (m.children == nullptr || !(by_position || by_keyword)) {
    return labels_in_python(self, args, count, names);
  }
  PyObject* found = m.children;
  for (Py_ssize_t i = 0; i < m.count; ++i) {
    PyObject* value =
        by_position ? args[i] : keyword(PyTuple_GetItem(m.label_names, i), args, names, keywords);
    if (value == nullptr) return labels_in_python(self, args, count, names);
    if (PyUnicode_CheckExact(value)) {
      found = PyDict_GetItemWithError(found, value);
    } else {  // 1, 1.0 and True are one key of a dict, but three label values
      const Ref text(PyObject_Str(value));
      if (!text) return nullptr;
      found = PyDict_GetItemWithError(found, text.get());
    }
    if (found == nullptr) {
      return PyErr_Occurred() ? nullptr : labels_in_python(self, args, count, names);
    }
  }
  Metric& child = metric_of(found);
  if (is_stale(child)) look_up(child);
  Py_INCREF(found);
  return found;
}

// Implements _parent(label_names): makes self a parent, which has no children yet.
PyObject* parent(PyObject* self, PyObject* names) {
  Metric& m = metric_of(self);
  if (!PyTuple_Check(names) || m.strings != nullptr || m.children != nullptr) {
    PyErr_SetString(PyExc_TypeError, "_parent(label_names: tuple), once, and not for a child");
    return nullptr;
  }
  Ref children(PyDict_New());
  if (!children) return nullptr;
  Py_INCREF(names);
  m.label_names = names;
  m.children = children.release();
  m.count = PyTuple_Size(names);
  return none();
}

// Returns false with a TypeError set unless `values` is a tuple with a value for each label.
bool check_values(const Metric& m, PyObject* values) {
  if (m.children != nullptr && PyTuple_Check(values) && PyTuple_Size(values) == m.count &&
      m.count > 0) {
    return true;
  }
  PyErr_SetString(PyExc_TypeError, "a tuple with a value for each label of a parent is needed");
  return false;
}

// Returns the dict that holds the values of the last label, for a tuple of all labels' values, and
// makes missing ones; nullptr with an exception after an error.
PyObject* last_level(const Metric& m, PyObject* values) {
  if (!check_values(m, values)) return nullptr;
  PyObject* level = m.children;
  for (Py_ssize_t i = 0; level != nullptr && i + 1 < m.count; ++i) {
    PyObject* value = PyTuple_GetItem(values, i);
    PyObject* next = PyDict_GetItemWithError(level, value);
    if (next == nullptr && !PyErr_Occurred()) {
      const Ref fresh(PyDict_New());
      if (!fresh || PyDict_SetItem(level, value, fresh.get()) != 0) return nullptr;
      next = fresh.get();  // the level owns it
    }
    level = next;
  }
  return level;
}

// Removes the child with these label values below a level, if it is there, and each dict that
// becomes empty by that: label values may be new ones for as long as the process lives. Returns
// false with an exception after an error.
bool forget_below(PyObject* level, PyObject* values, Py_ssize_t label) {
  PyObject* value = PyTuple_GetItem(values, label);
  PyObject* found = PyDict_GetItemWithError(level, value);
  if (found == nullptr) return PyErr_Occurred() == nullptr;
  if (label + 1 < PyTuple_Size(values)) {
    Py_INCREF(found);
    const Ref next(found);
    if (!forget_below(next.get(), values, label + 1)) return false;
    // A child's end may have run any code.
    if (PyDict_Size(next.get()) > 0 || PyDict_GetItemWithError(level, value) != next.get()) {
      return PyErr_Occurred() == nullptr;
    }
  }
  return PyDict_DelItem(level, value) == 0;
}

// Implements _give_up(): takes back the definition, for a metric that is unregistered.
PyObject* give_up(PyObject* self, PyObject*) {
  const Metric& m = metric_of(self);
  if (m.family != nullptr) metrics_family_give_up(m.family);
  return none();
}

// Implements _adopt(values, child): makes labels() find the child from now on.
PyObject* adopt(PyObject* self, PyTypeObject* metric_type, PyObject* const* args, Py_ssize_t count,
                PyObject*) {
  if (count != 2 || !PyObject_TypeCheck(args[1], metric_type)) {
    PyErr_SetString(PyExc_TypeError, "_adopt(values: tuple, child: Metric)");
    return nullptr;
  }
  PyObject* level = last_level(metric_of(self), args[0]);
  if (level == nullptr) return nullptr;
  PyObject* last = PyTuple_GetItem(args[0], metric_of(self).count - 1);
  return PyDict_SetItem(level, last, args[1]) == 0 ? none() : nullptr;
}

// Implements _forget(values): makes labels() no longer find that child, if it did.
PyObject* forget(PyObject* self, PyObject* values) {
  const Metric& m = metric_of(self);
  return check_values(m, values) && forget_below(m.children, values, 0) ? none() : nullptr;
}

// Implements _forget_all(): makes labels() find no child.
PyObject* forget_all(PyObject* self, PyObject*) {
  if (PyObject* children = metric_of(self).children; children != nullptr) PyDict_Clear(children);
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

// Implements _renew(): removes the series of a child, or of a metric without labels, for all
// processes, and gives it a new one.
PyObject* renew(PyObject* self, PyObject*) {
  Metric& m = metric_of(self);
  if (m.family == nullptr || m.strings == nullptr) return none();
  const UnderLock scope;
  metrics_remove(m.family, m.strings, static_cast<std::size_t>(m.count));
  return messages(look_up(m));
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

bool take_observation(const char* function, PyObject* const* args, Py_ssize_t count,
                      PyObject* names, Observation& taken) {
  taken = {count > 0 ? args[0] : nullptr, count > 1 ? args[1] : nullptr};
  if (count > 2) {
    PyErr_Format(PyExc_TypeError, "%s() takes at most 2 arguments (%zd given)", function, count);
    return false;
  }
  for (Py_ssize_t i = 0; names != nullptr && i < PyTuple_Size(names); ++i) {
    PyObject* name = PyTuple_GetItem(names, i);
    if (PyUnicode_CompareWithASCIIString(name, "amount") == 0 && taken.amount == nullptr) {
      taken.amount = args[count + i];
    } else if (PyUnicode_CompareWithASCIIString(name, "exemplar") == 0 &&
               taken.exemplar == nullptr) {
      taken.exemplar = args[count + i];
    } else {
      unexpected_keyword(function, name);
      return false;
    }
  }
  return true;
}

ExemplarTexts::ExemplarTexts(PyObject* self, PyObject* exemplar) {
  if (const Ref check(PyObject_GetAttrString(self, "_check_exemplar")); check) {
    texts_ = Ref(PyObject_CallFunctionObjArgs(check.get(), exemplar, nullptr));
  }
  if (texts_) strings_ = bytes_of(texts_.get());
  if (strings_ == nullptr) {
    PyErr_Fetch(&type_, &value_, &trace_);
  } else {
    count_ = static_cast<std::size_t>(PyTuple_Size(texts_.get())) / 2;
  }
}

PyObject* ExemplarTexts::raise() {
  PyErr_Restore(type_, value_, trace_);
  return nullptr;
}

PyObject* keep_exemplar(PyObject* self, const Observation& given) {
  const Ref keep(PyObject_GetAttrString(self, "_keep_exemplar"));
  const Ref one(given.amount == nullptr ? PyLong_FromLong(1) : nullptr);
  PyObject* amount = given.amount == nullptr ? one.get() : given.amount;
  Metric& m = metric_of(self);
  if (!std::exchange(m.has_kept_exemplar, true) && metrics_family_has_exemplars(m.family) == 0) {
    metrics_family_status(m.family);  // which logs that the exemplar was dropped
  }
  const Ref lines(messages(METRICS_OK));
  if (!keep || amount == nullptr || !lines) return nullptr;
  return PyObject_CallFunctionObjArgs(keep.get(), given.exemplar, amount, lines.get(), nullptr);
}

PyObject* unexpected_keyword(const char* function, PyObject* name) {
  PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", function, name);
  return nullptr;
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
