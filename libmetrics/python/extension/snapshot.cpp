#include "libmetrics/python/extension/snapshot.h"

#include <exception>
#include <vector>

#include "libmetrics/format/types.h"
#include "libmetrics/reader/merge.h"
#include "metrics/metrics.h"

namespace metrics::python {
namespace {

using reader::Families;
using reader::Family;
using reader::Series;

PyObject* labels_of(const std::vector<reader::Label>& given) {
  Ref labels(PyDict_New());
  for (const auto& label : given) {
    const Ref name(text(label.name));
    const Ref value(text(label.value));
    if (!labels || !name || !value || PyDict_SetItem(labels.get(), name.get(), value.get()) != 0)
      return nullptr;
  }
  return labels.release();
}

PyObject* distribution_of(const Families& all, const Family& family, const Series& series) {
  const auto buckets = all.buckets(family, series);
  return tuple_of(buckets.size() + 1, [&](std::size_t i) {
    return i < buckets.size() ? PyLong_FromUnsignedLongLong(buckets[i])
                              : PyFloat_FromDouble(all.sum(family, series));
  });
}

PyObject* values_of(const Families& all, const Family& family, const Series& series) {
  switch (format::values_of(family.type)) {
    case format::Values::kWholeAndFraction: {
      const auto [whole, fraction] = all.counter(series);
      return PyFloat_FromDouble(static_cast<double>(whole) + fraction);
    }
    case format::Values::kGauge:
    case format::Values::kState:
      return PyFloat_FromDouble(all.gauge(series));
    case format::Values::kCounts:
      return distribution_of(all, family, series);
    case format::Values::kInfo:
      break;
  }
  return PyTuple_New(0);
}

PyObject* exemplars_of(const Families& all, const Series& series) {
  const auto exemplars = all.exemplars_of(series);
  return tuple_of(exemplars.size(), [&](std::size_t i) -> PyObject* {
    const reader::Exemplar& e = exemplars[i];
    const Ref labels(labels_of(e.labels));
    const Ref value(PyFloat_FromDouble(e.value));
    const Ref seconds(PyFloat_FromDouble(static_cast<double>(e.stamp_ns) / 1e9));
    if (!labels || !value || !seconds) return nullptr;
    return PyTuple_Pack(3, labels.get(), value.get(), seconds.get());
  });
}

PyObject* family_of(const Families& all, const Family& family) {
  const Ref bounds(tuple_of(family.bounds.size(),
                            [&](std::size_t i) { return PyFloat_FromDouble(family.bounds[i]); }));
  Ref list(PyList_New(0));
  for (const Series& series : family.series) {
    if (!list) return nullptr;
    const Ref labels(labels_of(series.labels));
    const Ref values(values_of(all, family, series));
    const Ref exemplars(exemplars_of(all, series));
    if (!labels || !values || !exemplars) return nullptr;
    const Ref one(PyTuple_Pack(3, labels.get(), values.get(), exemplars.get()));
    if (!one || PyList_Append(list.get(), one.get()) != 0) return nullptr;
  }
  const Ref help(text(family.help));
  const Ref unit(text(family.unit));
  const Ref type(text(format::to_string(family.type)));
  if (!bounds || !list || !help || !unit || !type || PyErr_Occurred()) return nullptr;
  return PyTuple_Pack(5, type.get(), help.get(), unit.get(), bounds.get(), list.get());
}

PyObject* families_of(const Families& all) {
  Ref result(PyDict_New());
  for (const Family& family : all.families) {
    const Ref name(text(family.name));
    const Ref entry(family_of(all, family));
    if (!result || !name || !entry || PyDict_SetItem(result.get(), name.get(), entry.get()) != 0)
      return nullptr;
  }
  return result.release();
}

}  // namespace

// Makes a reader for each call. One kept between calls would keep a descriptor, which a program
// that becomes a daemon may close, and then reuse for another file.
PyObject* snapshot(PyObject*, PyObject*) {
  try {
    reader::SegmentMerge merge(metrics_segment_path(metrics_default()));
    if (!merge.read() || !merge.read_exemplars()) {
      const Ref why(text(merge.why()));
      if (why) PyErr_SetObject(PyExc_OSError, why.get());
      return nullptr;
    }
    return families_of(merge.families());
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_OSError, e.what());
    return nullptr;
  }
}

}  // namespace metrics::python
