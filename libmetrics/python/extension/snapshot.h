// snapshot.h -- the default segment as it is now, all processes merged, as Python objects.
#pragma once

#include "libmetrics/python/extension/python.h"

namespace metrics::python {

// Returns a new dict by family name (a counter's without `_total`, an info's without `_info`) of
// tuples
//   (type, help, unit, bounds, series)
// where type is in lower case, bounds is a tuple of floats, and series is a list of tuples
// (labels: dict, values, exemplars). For a counter or a gauge, values is a float; else it is a
// tuple: a histogram's has its bucket counts, not cumulative, with +Inf last, and then its sum; a
// summary's has its count and sum; an info's is empty. exemplars is a tuple of tuples (labels:
// dict, value, seconds since the Unix epoch). Raises OSError with the reason if the segment can't
// be read.
PyObject* snapshot(PyObject* module, PyObject* none);

}  // namespace metrics::python
