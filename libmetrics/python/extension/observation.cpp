#include "libmetrics/python/extension/observation.h"

#include <utility>

#include "libmetrics/python/extension/messages.h"

namespace metrics::python {

bool take_observation(const char* function, PyObject* const* args, Py_ssize_t count,
                      PyObject* names, Observation& taken) {
  taken = {count > 0 ? args[0] : nullptr, count > 1 ? args[1] : nullptr};
  if (count > 2) {
    PyErr_Format(PyExc_TypeError, "%s() takes at most 2 arguments (%zd given)", function, count);
    return false;
  }
  for (Py_ssize_t i = 0; names != nullptr && i < PyTuple_Size(names); ++i) {
    PyObject* name = PyTuple_GetItem(names, i);
    if (PyUnicode_CompareWithASCIIString(name, "amount") == 0 && taken.amount == nullptr) {
      taken.amount = args[count + i];
    } else if (PyUnicode_CompareWithASCIIString(name, "exemplar") == 0 &&
               taken.exemplar == nullptr) {
      taken.exemplar = args[count + i];
    } else {
      unexpected_keyword(function, name);
      return false;
    }
  }
  return true;
}

ExemplarTexts::ExemplarTexts(PyObject* self, PyObject* exemplar) {
  if (const Ref check(PyObject_GetAttrString(self, "_check_exemplar")); check) {
    texts_ = Ref(PyObject_CallFunctionObjArgs(check.get(), exemplar, nullptr));
  }
  if (texts_) strings_ = bytes_of(texts_.get());
  if (strings_ == nullptr) {
    PyErr_Fetch(&type_, &value_, &trace_);
  } else {
    count_ = static_cast<std::size_t>(PyTuple_Size(texts_.get())) / 2;
  }
}

PyObject* ExemplarTexts::raise() {
  PyErr_Restore(type_, value_, trace_);
  return nullptr;
}

PyObject* keep_exemplar(PyObject* self, const Observation& given) {
  const Ref keep(PyObject_GetAttrString(self, "_keep_exemplar"));
  const Ref one(given.amount == nullptr ? PyLong_FromLong(1) : nullptr);
  PyObject* amount = given.amount == nullptr ? one.get() : given.amount;
  Metric& m = metric_of(self);
  if (!std::exchange(m.has_kept_exemplar, true) && metrics_family_has_exemplars(m.family) == 0) {
    metrics_family_status(m.family);  // which logs that the exemplar was dropped
  }
  const Ref lines(messages(METRICS_OK));
  if (!keep || amount == nullptr || !lines) return nullptr;
  return PyObject_CallFunctionObjArgs(keep.get(), given.exemplar, amount, lines.get(), nullptr);
}

PyObject* unexpected_keyword(const char* function, PyObject* name) {
  PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", function, name);
  return nullptr;
}

}  // namespace metrics::python
