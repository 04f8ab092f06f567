// observation.h -- the arguments of inc() and observe(): an amount, and an exemplar.
#pragma once

#include <memory>

#include "libmetrics/python/extension/metric.h"

namespace metrics::python {

// The arguments of inc() and observe(), given by position or by name; nullptr for each one that
// is not given.
struct Observation {
  PyObject* amount;
  PyObject* exemplar;
};
// Stores the arguments in `taken`. Returns false with a TypeError set if there are others.
bool take_observation(const char* function, PyObject* const* args, Py_ssize_t count,
                      PyObject* names, Observation& taken);
// Returns true if an exemplar is given; prometheus_client takes an empty one for none.
inline bool has_exemplar(const Observation& given) noexcept {
  if (given.exemplar == nullptr || given.exemplar == Py_None) return false;
  const int is_true = PyObject_IsTrue(given.exemplar);
  if (is_true < 0) PyErr_Clear();
  return is_true != 0;
}
// An exemplar's labels, as the library takes them.
class ExemplarTexts {
 public:
  // Makes Python code check the exemplar. If that raises an exception, is_valid() is false until
  // raise().
  ExemplarTexts(PyObject* self, PyObject* exemplar);
  bool is_valid() const noexcept { return texts_ && strings_ != nullptr; }
  // Raises the exception, and returns nullptr: what the exemplar belongs to was counted meanwhile,
  // as prometheus_client counts it.
  PyObject* raise();
  const char* const* names() const noexcept { return strings_.get(); }
  const char* const* values() const noexcept { return strings_.get() + count_; }
  std::size_t count() const noexcept { return count_; }

 private:
  Ref texts_;  // the names, then the values; owns what `strings_` points to
  std::unique_ptr<const char*[]> strings_;
  std::size_t count_ = 0;
  PyObject *type_ = nullptr, *value_ = nullptr, *trace_ = nullptr;
};
// Makes Python code keep an exemplar that is given, for this process's view. Returns a new
// reference to None, or nullptr with an exception set.
PyObject* keep_exemplar(PyObject* self, const Observation& given);

// Raises TypeError for a keyword that a method doesn't take, and returns nullptr.
PyObject* unexpected_keyword(const char* function, PyObject* name);

}  // namespace metrics::python
