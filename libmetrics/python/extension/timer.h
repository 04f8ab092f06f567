// timer.h -- Timer: a context manager that passes the seconds of its block to a metric.
#pragma once

#include "libmetrics/python/extension/python.h"

namespace metrics::python {

// Makes the type. Returns a new reference, or nullptr with an exception set.
PyObject* make_timer_type(PyObject* module);

// Implement time() of a histogram or summary, whose observe() gets the seconds, and of a gauge,
// whose set() does. Return a new timer; nullptr with an exception set.
PyObject* time_observe(PyObject* metric, PyObject* none);
PyObject* time_set(PyObject* metric, PyObject* none);

// Implements set_decorate(function): `function` decorates another one with a timer; it is called
// with the timer and the other one.
PyObject* set_decorate(PyObject* module, PyObject* function);

}  // namespace metrics::python
