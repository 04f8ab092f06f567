// removal.h -- whether a series that was found earlier is still the one to count in.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "metrics/metrics.h"

namespace metrics::python {

// Of the family's series with these label values, which metrics_*_labels has just found: a word in
// the directory that becomes other than 0 once any process removes the series. nullptr if the
// family is counted nowhere.
//
// metrics_*_labels looks at the same word, after hashing and comparing the label values; a child
// that labels() finds by a dict has these behind it. It reads the core's own tables, as the
// extension is built with the core it links.
const std::atomic<std::uint64_t>* removal_mark(metrics_family* family, const char* const* values,
                                               std::size_t count);

// True if no later call of metrics_*_labels can find a series: the family was refused, or its
// segment not joined.
bool is_counted_nowhere(metrics_family* family);

}  // namespace metrics::python
