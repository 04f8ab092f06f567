// tables.h -- the library's own tables of types and modes, as Python objects.
#pragma once

#include "libmetrics/python/extension/python.h"

namespace metrics::python {

// A tuple of the names of the gauge modes, in the order by which the C ABI numbers them.
PyObject* make_modes();

// A dict by the type's name of tuples (ending of the family's name, endings of sample names, whether
// OpenMetrics may add `_created`). Each of these returns a new reference, or nullptr with an
// exception.
PyObject* make_types();

}  // namespace metrics::python
