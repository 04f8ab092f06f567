// snapshot.h -- the default segment as it is now, all processes merged, as Python objects.
#pragma once

#include "libmetrics/python/extension/python.h"

namespace metrics::python {

// A dict by family name (a counter's without `_total`, an info's without `_info`) of tuples
//   (type, help, unit, bounds, series)
// with the type in lower case, bounds a tuple of floats, and series a list of tuples (labels: dict,
// values): values is a float for a counter or a gauge, a tuple for the rest: a histogram's bucket
// counts, not cumulative, +Inf last, and its sum; a summary's count and sum; an info's is empty.
// Raises OSError with the reason if the segment can't be read.
PyObject* snapshot(PyObject* module, PyObject* none);

}  // namespace metrics::python
