// said.h -- what the library has to say about what can't be counted, on its way to Python's
// logging.
//
// Setting up never fails in Python: what the surroundings lack, or the segment refuses, is returned
// by the set-up functions as a tuple of sentences, or None, and the caller logs it. So no Python
// code runs inside the library.
#pragma once

#include "libmetrics/python/extension/python.h"
#include "metrics/metrics.h"

namespace metrics::python {

// From now on the library's messages are kept for said().
void listen();

// What was said since the last call, and what a definition against the rules was told: None, or a
// tuple of strings.
PyObject* said(metrics_status status = METRICS_OK);

}  // namespace metrics::python
