#include "libmetrics/python/extension/messages.h"

#include <exception>
#include <string>
#include <vector>

namespace metrics::python {
namespace {

std::vector<std::string>
    kept;  // guarded by the GIL, which everybody holds who calls the library from here

void keep(metrics_status, const char* text, void*) {
  try {
    kept.emplace_back(text);
  } catch (const std::exception&) {  // no memory for a message: it is not said
  }
}

}  // namespace

void listen() { metrics_set_log(&keep, nullptr); }

PyObject* said(metrics_status status) {
  if (status == METRICS_INVALID) {  // the library tells that to its caller alone
    keep(status, metrics_last_error(), nullptr);
  }
  if (kept.empty()) return none();
  std::vector<std::string> texts;
  texts.swap(kept);
  Ref result(PyTuple_New(static_cast<Py_ssize_t>(texts.size())));
  for (std::size_t i = 0; result && i < texts.size(); ++i) {
    PyObject* text =
        PyUnicode_DecodeUTF8(texts[i].data(), static_cast<Py_ssize_t>(texts[i].size()), "replace");
    if (text == nullptr) return nullptr;
    PyTuple_SetItem(result.get(), static_cast<Py_ssize_t>(i), text);
  }
  return result.release();
}

}  // namespace metrics::python
