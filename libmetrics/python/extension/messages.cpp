#include "libmetrics/python/extension/messages.h"

#include <exception>
#include <string>
#include <vector>

namespace metrics::python {
namespace {

struct Line {
  metrics_status status;
  std::string text;
};
// The log lines that Python code has not taken yet. Guarded by the GIL: all code of the extension
// that calls the library holds it.
std::vector<Line> kept;

void keep(metrics_status status, const char* text, void*) {
  try {
    kept.push_back({status, text});
  } catch (const std::exception&) {  // there is no memory for the message, which is dropped
  }
}

}  // namespace

void keep_messages() { metrics_set_log(&keep, nullptr); }

PyObject* messages(metrics_status status, std::string_view consequence) {
  if (status == METRICS_INVALID) {  // which the library returns to its caller and doesn't log
    keep(status, metrics_last_error(), nullptr);
  }
  if (kept.empty()) return none();
  std::vector<Line> lines;
  lines.swap(kept);
  return tuple_of(lines.size(), [&](std::size_t i) {
    Ref line(text(lines[i].text));
    if (!line || lines[i].status == METRICS_OK || consequence.empty()) return line.release();
    const Ref ending(text(consequence));
    return ending ? PyUnicode_Concat(line.get(), ending.get()) : nullptr;
  });
}

}  // namespace metrics::python
