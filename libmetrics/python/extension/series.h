// series.h -- a metric object's place among the series of its family.
#pragma once

#include "libmetrics/python/extension/metric.h"

namespace metrics::python {

// Looks the child's series up, and returns the status. The series is the same as before, unless a
// process has removed that: then it is a new one, in which the child counts from zero.
metrics_status look_up(Metric& m) noexcept;

// Returns whether labels() must look up a child's series again: because it was removed, or because
// there was no room for it.
inline bool is_stale(const Metric& m) noexcept {
  if (m.state != nullptr) return is_removed(m);
  return m.strings != nullptr && m.family != nullptr;
}

// Implements _renew(): removes the series of a child, or of a metric without labels, for all
// processes, and gives it a new one.
PyObject* renew(PyObject* self, PyObject* nothing);

// Implements `_series(parent, values)`: makes self the parent's child with these label values, and
// returns messages(). A metric without labels is its own parent. `type` is the class of the method,
// of which both must be instances.
PyObject* bind(PyObject* self, PyTypeObject* type, Kind kind, PyObject* const* args,
               Py_ssize_t count);
// Implements the same, as a method of the class of a kind.
template <Kind kind>
PyObject* series(PyObject* self, PyTypeObject* type, PyObject* const* args, Py_ssize_t count,
                 PyObject*) {
  return bind(self, type, kind, args, count);
}

}  // namespace metrics::python
