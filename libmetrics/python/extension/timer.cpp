#include "libmetrics/python/extension/timer.h"

#include <structmember.h>

#include <cstddef>

#include "libmetrics/python/extension/metric.h"
#include "metrics/metrics.h"

namespace metrics::python {
namespace {

struct Timer {
  PyObject_HEAD;
  PyObject* metric;
  PyObject* callback;  // the name of a method of the metric
  double start;
};

Timer& timer_of(PyObject* self) noexcept { return *reinterpret_cast<Timer*>(self); }

// Of the module that was made last; a program that empties sys.modules makes another one.
PyTypeObject* timer_type = nullptr;
PyObject* decorate = nullptr;

// Passes the seconds to what the metric has as the method of that name. Python need not call it if
// it is the library's own: no subclass, no program and no mock has put another one in its place.
PyObject* pass(const Timer& timer, double seconds) {
  const Ref method(PyObject_GetAttr(timer.metric, timer.callback));
  if (!method) return nullptr;
  if (PyCFunction_Check(method.get())) {
    const PyCFunction function = PyCFunction_GetFunction(method.get());
    PyObject* metric = PyCFunction_GetSelf(method.get());
    if (function == observe_function()) return observe_value(metric, seconds);
    if (function == set_function()) return set_value(metric, seconds);
  }
  const Ref amount(PyFloat_FromDouble(seconds));
  if (!amount) return nullptr;
  const Ref done(PyObject_CallFunctionObjArgs(method.get(), amount.get(), nullptr));
  return done ? none() : nullptr;
}

// Raises TypeError, and returns true, for a timer whose __init__ a subclass has not called.
bool refused_as_empty(const Timer& timer) {
  if (timer.metric != nullptr) return false;
  PyErr_SetString(PyExc_TypeError, "the timer has no metric: __init__() was not called");
  return true;
}

int init(PyObject* self, PyObject* args, PyObject* names) {
  static char metric_name[] = "metric";
  static char callback_name[] = "callback_name";
  static char* keywords[] = {metric_name, callback_name, nullptr};
  PyObject* metric = nullptr;
  PyObject* callback = nullptr;
  if (PyArg_ParseTupleAndKeywords(args, names, "OU", keywords, &metric, &callback) == 0) return -1;
  Timer& timer = timer_of(self);
  Py_INCREF(metric);
  Py_INCREF(callback);
  const Ref before(timer.metric);
  const Ref name_before(timer.callback);
  timer.metric = metric;
  timer.callback = callback;
  return 0;
}

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_CLEAR(timer_of(self).metric);
  Py_CLEAR(timer_of(self).callback);
  reinterpret_cast<freefunc>(PyType_GetSlot(type, Py_tp_free))(self);
  Py_DECREF(type);
}

PyObject* enter(PyObject* self, PyObject*) {
  timer_of(self).start = metrics_now();
  Py_INCREF(self);
  return self;
}

PyObject* leave(PyObject* self, PyObject* const*, Py_ssize_t) {
  const Timer& timer = timer_of(self);
  const double seconds = metrics_now() - timer.start;
  if (refused_as_empty(timer)) return nullptr;
  return pass(timer, seconds > 0 ? seconds : 0);
}

PyObject* labels(PyObject* self, PyObject* args, PyObject* names) {
  Timer& timer = timer_of(self);
  if (refused_as_empty(timer)) return nullptr;
  const Ref method(PyObject_GetAttrString(timer.metric, "labels"));
  Ref child(method ? PyObject_Call(method.get(), args, names) : nullptr);
  if (!child) return nullptr;
  const Ref before(timer.metric);
  timer.metric = child.release();
  return none();
}

// Makes another timer of the same class, since calls of a function may overlap.
PyObject* new_one(PyObject* self, PyObject*) {
  const Timer& timer = timer_of(self);
  PyObject* type = reinterpret_cast<PyObject*>(Py_TYPE(self));
  return PyObject_CallFunctionObjArgs(type, timer.metric, timer.callback, nullptr);
}

PyObject* call(PyObject* self, PyObject* args, PyObject* names) {
  PyObject* function = nullptr;
  if (PyArg_ParseTuple(args, "O", &function) == 0) return nullptr;
  if (names != nullptr || decorate == nullptr) {
    PyErr_SetString(PyExc_TypeError, "a timer takes the function that it decorates");
    return nullptr;
  }
  return PyObject_CallFunctionObjArgs(decorate, self, function, nullptr);
}

PyMethodDef methods[] = {
    {"__enter__", &enter, METH_NOARGS, nullptr},
    {"__exit__", method(&leave), METH_FASTCALL, nullptr},
    {"labels", method(&labels), METH_VARARGS | METH_KEYWORDS,
     "labels(*values, **values)\n--\n\n"
     "Sets the label values while the block runs, for values that are known only then."},
    {"_new_timer", &new_one, METH_NOARGS, nullptr},
    {}};
PyMemberDef members[] = {
    {"_metric", T_OBJECT_EX, offsetof(Timer, metric), READONLY, nullptr},
    {"_callback_name", T_OBJECT_EX, offsetof(Timer, callback), READONLY, nullptr},
    {"_start", T_DOUBLE, offsetof(Timer, start), READONLY, nullptr},
    {}};
PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("Timer(metric, callback_name)\n--\n\n"
                                  "Passes the seconds that the block took to a method of the "
                                  "metric. Decorates functions too.")},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_init, reinterpret_cast<void*>(&init)},
    {Py_tp_call, reinterpret_cast<void*>(&call)},
    {Py_tp_new, reinterpret_cast<void*>(&PyType_GenericNew)},
    {Py_tp_dealloc, reinterpret_cast<void*>(&dealloc)},
    {0, nullptr}};
PyType_Spec spec = {"libmetrics._metrics.Timer", sizeof(Timer), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

PyObject* make_timer_type(PyObject* module) {
  PyObject* type = PyType_FromModuleAndSpec(module, &spec, nullptr);
  if (type != nullptr) {
    Py_INCREF(type);  // kept for as long as timers of it may be made
    timer_type = reinterpret_cast<PyTypeObject*>(type);
  }
  return type;
}

namespace {

PyObject* new_timer(PyObject* metric, PyObject* callback) {
  if (callback == nullptr) return nullptr;
  PyObject* made = PyType_GenericAlloc(timer_type, 0);
  if (made == nullptr) return nullptr;
  Py_INCREF(metric);
  Py_INCREF(callback);
  timer_of(made).metric = metric;
  timer_of(made).callback = callback;
  return made;
}

}  // namespace

PyObject* time_observe(PyObject* metric, PyObject*) {
  static PyObject* const name = PyUnicode_InternFromString("observe");
  return new_timer(metric, name);
}

PyObject* time_set(PyObject* metric, PyObject*) {
  static PyObject* const name = PyUnicode_InternFromString("set");
  return new_timer(metric, name);
}

PyObject* set_decorate(PyObject*, PyObject* function) {
  Py_INCREF(function);
  decorate = function;  // the one before may be in use
  return none();
}

}  // namespace metrics::python
