// info.cpp -- Info: constant information as labels, with the value 1.
#include <vector>

#include "libmetrics/python/extension/messages.h"
#include "libmetrics/python/extension/metric.h"

namespace metrics::python {
namespace {

// Implements _family(name, help, max_series).
PyObject* family(PyObject* self, PyObject* args) {
  Names names{};
  if (PyArg_ParseTuple(args, "ssn", &names.name, &names.help, &names.max_series) == 0)
    return nullptr;
  const Ref no_labels(PyTuple_New(0));
  if (!no_labels) return nullptr;
  names.labels = no_labels.get();
  return define(self, Kind::kInfo, METRICS_INFO, names);
}

// The label names and values of a fact.
struct Pairs {
  std::vector<const char*> names, values;
};

// Takes the UTF-8 bytes of a dict's strings, which live as long as the strings. Returns false with
// an exception set.
bool take_pairs(PyObject* fact, Pairs& pairs) {
  PyObject* name = nullptr;
  PyObject* value = nullptr;
  for (Py_ssize_t at = 0; PyDict_Next(fact, &at, &name, &value) != 0;) {
    pairs.names.push_back(PyUnicode_AsUTF8AndSize(name, nullptr));
    pairs.values.push_back(PyUnicode_AsUTF8AndSize(value, nullptr));
    if (pairs.names.back() == nullptr || pairs.values.back() == nullptr) return false;
  }
  return true;
}

// Removes the series of a fact. Returns false with an exception set.
bool remove_fact(metrics_family* family, PyObject* fact) {
  Pairs pairs;
  if (!take_pairs(fact, pairs)) return false;
  std::vector<const char*> in_turn;
  for (std::size_t i = 0; i < pairs.names.size(); ++i) {
    in_turn.insert(in_turn.end(), {pairs.names[i], pairs.values[i]});
  }
  in_turn.push_back(nullptr);  // so that data() is not null
  const UnderLock scope;
  metrics_remove(family, in_turn.data(), in_turn.size() - 1);
  return true;
}

// Implements _state(facts, key, fact): states the fact, a dict of strings, in place of the one that
// `facts`, a dict, has under the key, and keeps it there. Returns messages(). It is one call, so
// that of two threads that call it one is first, and its fact is replaced.
PyObject* state(PyObject* self, PyObject* args) {
  const Metric& m = metric_of(self);
  PyObject* facts = nullptr;
  PyObject* key = nullptr;
  PyObject* fact = nullptr;
  if (PyArg_ParseTuple(args, "O!OO!", &PyDict_Type, &facts, &key, &PyDict_Type, &fact) == 0)
    return nullptr;
  if (m.family == nullptr || m.kind != Kind::kInfo) return none();
  if (PyObject* before = PyDict_GetItemWithError(facts, key); before != nullptr) {
    Py_INCREF(before);
    const Ref held(before);
    // An equal fact stays, so that no scrape misses it.
    const int same = PyObject_RichCompareBool(before, fact, Py_EQ);
    if (same < 0 || (same == 0 && PyDict_Check(before) && !remove_fact(m.family, before)))
      return nullptr;
  } else if (PyErr_Occurred() != nullptr) {
    return nullptr;
  }
  Pairs pairs;  // taken last: a comparison may run any code, which may change the dict
  if (!take_pairs(fact, pairs)) return nullptr;
  pairs.names.push_back(nullptr);  // so that data() is not null
  pairs.values.push_back(nullptr);
  const UnderLock scope;
  const metrics_status status =
      metrics_info_state(m.family, pairs.names.data(), pairs.values.data(), pairs.names.size() - 1);
  return PyDict_SetItem(facts, key, fact) == 0 ? messages(status) : nullptr;
}

PyMethodDef methods[] = {
    {"_family", &family, METH_VARARGS, nullptr}, {"_state", &state, METH_VARARGS, nullptr}, {}};

}  // namespace

PyObject* make_info_type(PyObject* module, PyObject* base) {
  return make_kind_type(module, base, "libmetrics._metrics.Info", methods);
}

}  // namespace metrics::python
