#include "libmetrics/python/extension/processes.h"

#include <unistd.h>

#include <exception>

#include "libmetrics/format/ownership.h"
#include "libmetrics/reader/merge.h"
#include "libmetrics/reader/slot_report.h"
#include "metrics/metrics.h"

namespace metrics::python {
namespace {

bool is_this_process(const reader::HeadCopy& head) noexcept {
  return head.pid == static_cast<std::uint64_t>(::getpid()) &&
         head.pid_namespace == format::own_pid_namespace();
}

bool has_others() {
  reader::SegmentMerge merge(metrics_segment_path(metrics_default()));
  if (!merge.examine()) return false;
  for (const reader::SlotReport& slot : reader::slot_report(merge.reader())) {
    const bool lives = slot.state == reader::SlotReport::State::kLive;
    if (!slot.is_lane && lives && !is_this_process(slot.head)) return true;
  }
  return false;
}

}  // namespace

PyObject* is_only_process(PyObject*, PyObject*) {
  try {
    return PyBool_FromLong(has_others() ? 0 : 1);
  } catch (const std::exception&) {
    return PyBool_FromLong(1);
  }
}

}  // namespace metrics::python
