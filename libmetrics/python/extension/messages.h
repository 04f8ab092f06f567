// messages.h -- keeps the library's log lines until Python code can log them.
//
// Setting up never fails in Python. The set-up functions return the reasons why something isn't
// counted, as a tuple of sentences, or None, and their caller logs these. So no Python code runs
// inside the library.
#pragma once

#include "libmetrics/python/extension/python.h"
#include "metrics/metrics.h"

namespace metrics::python {

// Makes the library pass its log lines to this module from now on, for messages().
void keep_messages();

// Returns a tuple of the log lines since the last call, or None if there are none. If `status` is
// METRICS_INVALID, the last one is the library's error text, which it doesn't log. `consequence` is
// appended to those that report a failure.
PyObject* messages(metrics_status status = METRICS_OK, std::string_view consequence = {});

}  // namespace metrics::python
