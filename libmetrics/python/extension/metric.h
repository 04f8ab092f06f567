// metric.h -- what Counter, Gauge, Histogram, Summary, Info and Enum have in common: a family, or
// one of its series, as a Python object.
//
// A metric is a parent (it has label names, and children by label values), or observable (a child,
// or one without labels). Python's classes derive from these types, check what is theirs to check,
// and call the methods that begin with an underscore; those trust their caller no further than
// memory safety.
//
// Everything here runs with the GIL held, which is also what guards it: there is no lock that a
// forked child could inherit held. The handles are the library's, valid in both processes after a
// fork, so nothing is to be done there.
#pragma once

#include <cstdint>

#include "libmetrics/python/extension/python.h"
#include "metrics/hot.h"
#include "metrics/metrics.h"

namespace metrics::python {

enum class Kind : std::uint8_t { kNone, kCounter, kGauge, kHistogram, kInfo };

struct Metric {
  PyObject_HEAD;
  void* series;            // metrics_counter, _gauge or _histogram by kind; nullptr: counts nothing
  metrics_family* family;  // nullptr: against the segment's rules, counts nothing
  Kind kind;               // of the class; kNone until _family or _series
  bool observable;
  bool begins_at_zero;    // of a gauge: its sample is there as soon as it is
  PyObject* label_names;  // of a parent: a tuple of interned strings; else nullptr
  PyObject*
      children;  // of a parent: dicts in dicts, a level for each label, the last one's values the children
  PyObject* values;      // of a child: a tuple of strings that owns the bytes of
  const char** strings;  // its label values as the segment has them
  // Of a child: metrics_series_state(), and what stood there when the series was looked up.
  const std::uint64_t* state;
  std::uint64_t seen;
  Py_ssize_t count;  // of label names or values
};

inline Metric& metric_of(PyObject* self) noexcept { return *reinterpret_cast<Metric*>(self); }

// Raises ValueError if the metric is a parent, and returns true.
bool refused_as_parent(PyObject* self);

// The arguments of inc() and observe(): an amount and an exemplar, by position or by name; nullptr
// for one that is not given. False with a TypeError for others.
struct Observation {
  PyObject* amount;
  PyObject* exemplar;
};
bool take_observation(const char* function, PyObject* const* args, Py_ssize_t count,
                      PyObject* names, Observation& taken);
// Has Python check an exemplar, which is not counted: a reference to None, or nullptr with an
// exception.
PyObject* check_exemplar(PyObject* self, PyObject* exemplar);

// Raises TypeError for a keyword that a method doesn't take, and returns nullptr.
PyObject* unexpected_keyword(const char* function, PyObject* name);

// The types, each a new reference or nullptr with an exception; `base` is make_metric_type's.
PyObject* make_metric_type(PyObject* module);
PyObject* make_counter_type(PyObject* module, PyObject* base);
PyObject* make_gauge_type(PyObject* module, PyObject* base);
PyObject* make_histogram_type(PyObject* module, PyObject* base);
PyObject* make_info_type(PyObject* module, PyObject* base);

// Their methods.
PyMethodDef* metric_methods();
PyMethodDef* counter_methods();
PyMethodDef* gauge_methods();
PyMethodDef* histogram_methods();

// Sets those of the methods that are called again and again on a subclass, as its own: the
// interpreter calls a C method directly only if the object is of exactly the class that has it.
// False with an exception.
bool give_methods(PyObject* cls, PyMethodDef* methods);

// For `_family`: `make` finds or makes the family, whose name, help, unit and labels (a tuple of
// strings) are `names`. Sets self's kind and family, and returns messages().
struct Names {
  const char* name;
  const char* help;
  const char* unit;
  PyObject* labels;
};
PyObject* define(PyObject* self, Kind kind, metrics_type type, const Names& names,
                 metrics_family_options options = {});

// For `_series(parent, values)`: makes self the parent's child with these label values; a metric
// without labels is its own parent. `type` is that of the method's class, which both are of.
PyObject* bind(PyObject* self, PyTypeObject* type, Kind kind, PyObject* const* args,
               Py_ssize_t count);

}  // namespace metrics::python
