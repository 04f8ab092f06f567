#include "libmetrics/python/extension/tables.h"

#include "libmetrics/format/types.h"

namespace metrics::python {

PyObject* make_modes() {
  return tuple_of(format::kModeCount, [](std::size_t i) {
    return text(format::to_string(static_cast<format::Mode>(i)));
  });
}

PyObject* make_types() {
  Ref types(PyDict_New());
  for (const format::TypeRow& row : format::kTypes) {
    const auto endings = format::sample_endings(row.type);
    const Ref samples(tuple_of(endings.size(), [&](std::size_t i) { return text(endings[i]); }));
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
