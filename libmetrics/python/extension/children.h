// children.h -- the children of a metric with labels, by their label values.
#pragma once

#include "libmetrics/python/extension/metric.h"

namespace metrics::python {

// Implements labels(*values, **values): returns the child, and makes it if it is new.
PyObject* labels(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names);
// Implements _parent(label_names): makes self a parent, which has no children yet.
PyObject* parent(PyObject* self, PyObject* names);
// Implements _adopt(values, child): makes labels() find the child from now on.
PyObject* adopt(PyObject* self, PyTypeObject* metric_type, PyObject* const* args, Py_ssize_t count,
                PyObject* names);
// Implements _forget(values): makes labels() no longer find that child, if it did.
PyObject* forget(PyObject* self, PyObject* values);
// Implements _forget_all(): makes labels() find no child.
PyObject* forget_all(PyObject* self, PyObject* nothing);

}  // namespace metrics::python
