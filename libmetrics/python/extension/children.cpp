#include "libmetrics/python/extension/children.h"

#include "libmetrics/python/extension/series.h"

namespace metrics::python {
namespace {

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

}  // namespace

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

PyObject* forget(PyObject* self, PyObject* values) {
  const Metric& m = metric_of(self);
  return check_values(m, values) && forget_below(m.children, values, 0) ? none() : nullptr;
}

PyObject* forget_all(PyObject* self, PyObject*) {
  if (PyObject* children = metric_of(self).children; children != nullptr) PyDict_Clear(children);
  return none();
}

}  // namespace metrics::python
