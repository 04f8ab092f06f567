// segments.cpp -- segments: opens them, and returns and logs their status.
#include "libmetrics/api/segments.h"

#include <atomic>
#include <cerrno>
#include <new>
#include <string>

#include "libmetrics/api/arguments.h"
#include "libmetrics/api/errors.h"
#include "libmetrics/api/log.h"
#include "libmetrics/format/access.h"
#include "libmetrics/format/name.h"
#include "libmetrics/setup/surroundings.h"
#include "libmetrics/update/process.h"

namespace metrics::api {
namespace {

std::string claim_text(const setup::Registry& registry, metrics_status status) {
  std::string text = "no slot of its own could be claimed in " + registry.file() + " (" +
                     metrics_status_name(status) +
                     "): counts go to the shared slot, gauges of a process without one are refused";
  // The usual cause: the process has become another user since it joined.
  if (status == METRICS_NO_PERMISSION)
    text += "; it " + format::why_unopened(registry.file(), EACCES);
  return text;
}

struct Opened {
  setup::Registry* registry;
  metrics_status status;    // if not METRICS_OK, last_error has the reason
  bool is_default = false;  // neither the caller nor the environment has chosen the segment
};

Opened open_registry(const char* path, const metrics_geometry* geometry) noexcept {
  setup::Registry* registry = nullptr;
  bool is_default = false;
  const metrics_status status = to_status([&] {
    std::string file = "(no segment)";
    try {
      is_default = *text_or_empty(path) == '\0' && format::segment_variable().empty();
      file = format::segment_file(text_or_empty(path));
      registry = &setup::Registry::open(file, taken(geometry, "metrics_geometry"));
    } catch (const format::Error& e) {
      registry = &setup::Registry::nowhere(file, e);
      throw;
    }
    return METRICS_OK;
  });
  if (registry == nullptr) registry = &setup::Registry::out_of_memory();
  return {registry, status, is_default};
}

void report_to_log(const Opened& opened) {
  if (opened.status != METRICS_OK) {
    if (opened.registry->report_once())
      log(opened.status, std::string(last_error()) + "; nothing is counted");
    return;
  }
  if (!opened.registry->report_once()) return;
  if (const std::string& text = opened.registry->difference(); !text.empty()) log(METRICS_OK, text);
  if (!update::fork_is_wiped()) {
    log(METRICS_UNSUPPORTED,
        "this kernel has no MADV_WIPEONFORK: children of fork() are counted, those of raw clone() "
        "not");
  }
  to_status([&] {
    for (const std::string& text :
         setup::surroundings(*opened.registry->segment(), opened.is_default)) {
      log(METRICS_OK, text);
    }
    return METRICS_OK;
  });
}

// Logs what the program should know. A line for which there is no memory is lost.
void report(const Opened& opened) noexcept {
  try {
    report_to_log(opened);
  } catch (const std::bad_alloc&) {
    log(METRICS_NO_SPACE, "out of memory");
  }
}

}  // namespace

setup::Registry& registry_of(metrics_segment* s) {
  return *reinterpret_cast<setup::Registry*>(s == nullptr ? metrics_default() : s);
}

void log_claim(const setup::Registry& registry) {
  if (registry.failure() != nullptr) return;
  if (setup::Family* family = registry.take_unplaced()) log_unplaced_once(*family);
  update::ProcessClaim& claim = update::process().claims[registry.index()];
  const metrics_status status = claim.failure.load(std::memory_order_relaxed);
  if (status == METRICS_OK || claim.logged.exchange(true, std::memory_order_relaxed)) return;
  log(status, claim_text(registry, status));
}

}  // namespace metrics::api

using namespace metrics;
using namespace metrics::api;

extern "C" {

metrics_status metrics_open(const char* path, const metrics_geometry* geometry,
                            metrics_segment** out) {
  const Opened opened = open_registry(path, geometry);
  *out = reinterpret_cast<metrics_segment*>(opened.registry);
  report(opened);
  return opened.status;
}

// Not a static object, since other callers would wait until it is made. The program's log function,
// which runs meanwhile, may ask for it; and a child that is forked meanwhile would wait forever.
// A failure is not kept: what was in the way may be gone at the next call.
metrics_segment* metrics_default(void) {
  static constinit std::atomic<setup::Registry*> registry{nullptr};
  setup::Registry* there = registry.load(std::memory_order_acquire);
  if (there == nullptr) {
    const Opened opened = open_registry(nullptr, nullptr);
    // Release, acquire: a thread that finds the registry sees it complete.
    if (opened.status != METRICS_OK ||
        registry.compare_exchange_strong(there, opened.registry, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
      there = opened.registry;
      report(opened);
    }
  }
  return reinterpret_cast<metrics_segment*>(there);
}

const char* metrics_segment_path(const metrics_segment* segment) {
  if (segment == nullptr) return "";
  return reinterpret_cast<const setup::Registry*>(segment)->file().c_str();
}

metrics_status metrics_segment_status(const metrics_segment* segment) {
  if (segment == nullptr) return failed(METRICS_INVALID, "the segment is NULL");
  const setup::Registry& registry = *reinterpret_cast<const setup::Registry*>(segment);
  if (const format::Error* why = registry.failure()) return failed(*why);
  const metrics_status status =
      update::process().claims[registry.index()].failure.load(std::memory_order_relaxed);
  return to_status([&]() -> metrics_status {
    if (registry.segment()->is_gone()) {
      throw format::Error(METRICS_GONE,
                          registry.file() +
                              " was deleted or replaced: no reader sees what this process and "
                              "its children count; restart it");
    }
    if (status == METRICS_OK) return status;
    log_claim(registry);
    throw format::Error(status, claim_text(registry, status));
  });
}

}  // extern "C"
