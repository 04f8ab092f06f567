// metric.h -- what Counter, Gauge, Histogram, Summary, Info and Enum have in common: a family, or
// one of its series, as a Python object.
//
// A metric is either a parent, which has label names, and children by label values; or observable:
// a child, or a metric without labels. Python's classes derive from these types, check arguments,
// and call the methods that begin with an underscore. Wrong arguments to those may raise the wrong
// error, but can't break memory safety.
//
// Everything here runs with the GIL held, which also guards it, so there is no lock that a forked
// child could inherit while it is held. The handles are the library's and valid in both processes
// after a fork, so a child need not do anything.
#pragma once

#include <cstdint>
#include <memory>
#include <new>

#include "libmetrics/python/extension/own.h"
#include "libmetrics/python/extension/python.h"
#include "metrics/hot.h"
#include "metrics/metrics.h"

namespace metrics::python {

enum class Kind : std::uint8_t { kNone, kCounter, kGauge, kHistogram, kInfo, kStateSet };

struct Metric {
  PyObject_HEAD;
  void* series;            // metrics_counter, _gauge, ... by kind; nullptr: counts nothing
  metrics_family* family;  // nullptr: the definition broke the rules; counts nothing
  Kind kind;               // the class's kind; kNone until _family or _series
  bool observable;
  bool refused;  // a child whose last look-up has found no room
  bool has_kept_exemplar;
  bool begins_at_zero;    // a gauge whose sample exists as soon as it does
  PyObject* label_names;  // a parent's: a tuple of interned strings; else nullptr
  // A parent's: dicts in dicts, a level for each label; the values of the last level are the
  // children. Else nullptr.
  PyObject* children;
  PyObject* values;      // a child's label values: a tuple of strings, which owns the bytes of
  const char** strings;  // the same values in UTF-8, as the library takes them
  // A child's metrics_series_state(), and the value at that address until somebody removes the
  // series.
  const std::uint64_t* state;
  std::uint64_t live;
  Py_ssize_t count;  // the number of label names or values
  // What this object has counted here, in memory of its own, since Python makes this struct.
  // nullptr until _family, _series or the first question.
  Own* own;
};

// Returns the object's own numbers, and makes them if they are missing; nullptr without memory.
inline Own* own_of(Metric& m) noexcept {
  if (m.own == nullptr) m.own = new (std::nothrow) Own;
  return m.own;
}

// A scope in which the library is called to look up or remove series. The GIL is held in it as in
// every update of theirs.
class UnderLock {
 public:
  UnderLock() noexcept { metrics_under_lock(1); }
  ~UnderLock() { metrics_under_lock(0); }
  UnderLock(const UnderLock&) = delete;
  UnderLock& operator=(const UnderLock&) = delete;
};

inline Metric& metric_of(PyObject* self) noexcept { return *reinterpret_cast<Metric*>(self); }

// Returns true if a process has removed the child's series since the child looked it up.
inline bool is_removed(const Metric& m) noexcept {
  return m.state != nullptr && __atomic_load_n(m.state, __ATOMIC_RELAXED) != m.live;
}

// Returns the handle that an update of this object is for; nullptr if its series was removed: the
// handle may be that of another child by now.
template <class Handle>
Handle* handle_of(const Metric& m) noexcept {
  return is_removed(m) ? nullptr : static_cast<Handle*>(m.series);
}

// Raises ValueError if the metric is a parent, and returns true.
bool refused_as_parent(PyObject* self);

// Return what Python calls as observe() and set() of the library's own classes.
PyCFunction observe_function() noexcept;
PyCFunction set_function() noexcept;
// Do the same with a number. Each returns a new reference to None, or nullptr with an exception
// set. `self` is the object that such a method is bound to.
PyObject* observe_value(PyObject* self, double value);
PyObject* set_value(PyObject* self, double value);

// Make the types. Each returns a new reference, or nullptr with an exception set; `base` is the
// type that make_metric_type() returned.
PyObject* make_metric_type(PyObject* module);
// Makes a type of one kind. The name, and the methods up to an empty entry, must live as long as
// the program.
PyObject* make_kind_type(PyObject* module, PyObject* base, const char* name, PyMethodDef* methods);
PyObject* make_counter_type(PyObject* module, PyObject* base);
PyObject* make_gauge_type(PyObject* module, PyObject* base);
PyObject* make_histogram_type(PyObject* module, PyObject* base);
PyObject* make_info_type(PyObject* module, PyObject* base);
PyObject* make_stateset_type(PyObject* module, PyObject* base);

// Return the types' methods, up to an empty entry.
PyMethodDef* metric_methods();
PyMethodDef* counter_methods();
PyMethodDef* gauge_methods();
PyMethodDef* histogram_methods();

// Gives a subclass those of the methods that programs call often as methods of its own, since the
// interpreter calls a C method directly only if the object's class is exactly the one that has it.
// Returns false with an exception set.
bool give_methods(PyObject* cls, PyMethodDef* methods);

// Returns pointers to the UTF-8 bytes of a tuple's strings, which live as long as the strings;
// nullptr with an exception set.
std::unique_ptr<const char*[]> bytes_of(PyObject* tuple);

// Implements label_value(text), a function of the module: returns the text as it stands in the
// segment as a label's value.
PyObject* label_value(PyObject* module, PyObject* text);

// What defines a family of any type; `labels` is a tuple of strings.
struct Names {
  const char* name;
  const char* help;
  const char* unit;
  PyObject* labels;
  Py_ssize_t max_series;  // 0: no limit
  int exemplars;          // not 0: asks for places for exemplars
};
// Implements `_family`: finds or registers the family, sets self's kind and family, and returns
// messages().
PyObject* define(PyObject* self, Kind kind, metrics_type type, const Names& names,
                 metrics_family_options options = {});

}  // namespace metrics::python
