#include "libmetrics/python/extension/messages.h"

#include <exception>
#include <string>
#include <vector>

namespace metrics::python {
namespace {

// The log lines that Python code has not taken yet. Guarded by the GIL: all code of the extension
// that calls the library holds it.
std::vector<std::string> kept;

void keep(metrics_status, const char* text, void*) {
  try {
    kept.emplace_back(text);
  } catch (const std::exception&) {  // there is no memory for the message, which is dropped
  }
}

}  // namespace

void keep_messages() { metrics_set_log(&keep, nullptr); }

PyObject* messages(metrics_status status) {
  if (status == METRICS_INVALID) {  // which the library returns to its caller and doesn't log
    keep(status, metrics_last_error(), nullptr);
  }
  if (kept.empty()) return none();
  std::vector<std::string> texts;
  texts.swap(kept);
  return tuple_of(texts.size(), [&](std::size_t i) { return text(texts[i]); });
}

}  // namespace metrics::python
