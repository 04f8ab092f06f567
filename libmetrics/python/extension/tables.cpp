#include "libmetrics/python/extension/tables.h"

#include <string_view>

#include "libmetrics/format/types.h"

namespace metrics::python {
namespace {

PyObject* text(std::string_view s) {
  return PyUnicode_FromStringAndSize(s.data(), static_cast<Py_ssize_t>(s.size()));
}

}  // namespace

PyObject* make_modes() {
  Ref modes(PyTuple_New(format::kModeCount));
  for (std::uint8_t i = 0; modes && i < format::kModeCount; ++i) {
    PyObject* name = text(format::to_string(static_cast<format::Mode>(i)));
    if (name == nullptr) return nullptr;
    PyTuple_SetItem(modes.get(), i, name);
  }
  return modes.release();
}

PyObject* make_types() {
  Ref types(PyDict_New());
  for (const format::TypeRow& row : format::kTypes) {
    const auto endings = format::sample_endings(row.type);
    Ref samples(PyTuple_New(static_cast<Py_ssize_t>(endings.size())));
    for (std::size_t i = 0; samples && i < endings.size(); ++i) {
      PyObject* ending = text(endings[i]);
      if (ending == nullptr) return nullptr;
      PyTuple_SetItem(samples.get(), static_cast<Py_ssize_t>(i), ending);
    }
    const Ref name(text(row.name));
    const Ref ending(text(row.name_ending));
    if (!types || !samples || !name || !ending) return nullptr;
    const Ref entry(
        PyTuple_Pack(3, ending.get(), samples.get(), row.has_created ? Py_True : Py_False));
    if (!entry || PyDict_SetItem(types.get(), name.get(), entry.get()) != 0) return nullptr;
  }
  return types.release();
}

}  // namespace metrics::python
