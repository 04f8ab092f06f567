// processes.h -- which processes count in the default segment.
#pragma once

#include "libmetrics/python/extension/python.h"

namespace metrics::python {

// Implements is_only_process(): returns a new reference to True, unless another living process
// counts in the segment. A process that has never counted anything is none of its. True if the
// segment can't be read.
PyObject* is_only_process(PyObject* module, PyObject* none);

}  // namespace metrics::python
