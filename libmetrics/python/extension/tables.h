// tables.h -- the library's own tables of types and modes, as Python objects.
#pragma once

#include "libmetrics/python/extension/python.h"

namespace metrics::python {

// Returns a new tuple of the names of the gauge modes, in the order in which the C ABI numbers
// them; nullptr with an exception set.
PyObject* make_modes();

// Returns a new dict by the type's name of tuples (ending of the family's name, endings of sample
// names, whether OpenMetrics may add `_created`); nullptr with an exception set.
PyObject* make_types();

}  // namespace metrics::python
