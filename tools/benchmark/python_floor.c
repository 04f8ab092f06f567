/* python_floor.c -- a Python extension that counts and does nothing else. It shows the least that
 * an update from Python costs. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define BOUNDS 18

typedef struct {
  PyObject_HEAD unsigned long long buckets[BOUNDS + 1];
  double sum;
} Cells;

static const double bounds[BOUNDS] = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75,
                                      1,     2.5,  5,     7.5,  10,    25,  50,   75,  100};

static PyObject* inc(PyObject* self, PyObject* Py_UNUSED(nothing)) {
  ((Cells*)self)->buckets[0] += 1;
  Py_RETURN_NONE;
}

static PyObject* observe(PyObject* self, PyObject* amount) {
  const double value = PyFloat_AsDouble(amount);
  if (value == -1 && PyErr_Occurred()) return NULL;
  Cells* cells = (Cells*)self;
  int bucket = 0;
  for (int i = 0; i < BOUNDS; ++i) bucket += bounds[i] < value;
  cells->buckets[bucket] += 1;
  cells->sum += value;
  Py_RETURN_NONE;
}

static PyMethodDef cells_methods[] = {
    {"inc", inc, METH_NOARGS, NULL}, {"observe", observe, METH_O, NULL}, {NULL, NULL, 0, NULL}};

static PyTypeObject CellsType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bench_floor.Cells",
    .tp_basicsize = sizeof(Cells),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = cells_methods,
    .tp_new = PyType_GenericNew,
};

/* Implements labels(*values) as one look-up in a dict, by the tuple of the arguments. */
typedef struct {
  PyObject_HEAD PyObject* children;
} Labels;

static PyObject* labels(PyObject* self, PyObject* values) {
  PyObject* children = ((Labels*)self)->children;
  PyObject* child = PyDict_GetItemWithError(children, values);
  if (child == NULL) {
    if (PyErr_Occurred()) return NULL;
    child = PyObject_CallNoArgs((PyObject*)&CellsType);
    if (child == NULL) return NULL;
    const int kept = PyDict_SetItem(children, values, child);
    Py_DECREF(child);
    if (kept != 0) return NULL;
  }
  return Py_NewRef(child);
}

static PyObject* labels_new(PyTypeObject* type, PyObject* args, PyObject* names) {
  PyObject* self = PyType_GenericNew(type, args, names);
  if (self != NULL) ((Labels*)self)->children = PyDict_New();
  return self;
}

static PyMethodDef labels_methods[] = {{"labels", labels, METH_VARARGS, NULL},
                                       {NULL, NULL, 0, NULL}};

static PyTypeObject LabelsType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bench_floor.Labels",
    .tp_basicsize = sizeof(Labels),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = labels_methods,
    .tp_new = labels_new,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "bench_floor", .m_size = -1};

PyMODINIT_FUNC PyInit_bench_floor(void) {
  PyObject* made = PyModule_Create(&module);
  if (made == NULL || PyModule_AddType(made, &CellsType) < 0 ||
      PyModule_AddType(made, &LabelsType) < 0) {
    return NULL;
  }
  return made;
}
