// log.cpp -- the program's log function: sets it, and calls it.
#include "libmetrics/api/log.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <new>
#include <string>

#include "libmetrics/api/errors.h"
#include "libmetrics/format/layout.h"
#include "libmetrics/format/printable.h"
#include "libmetrics/format/types.h"
#include "libmetrics/setup/registry.h"
#include "libmetrics/setup/series.h"
#include "libmetrics/update/locked.h"

namespace metrics::api {
namespace {

void log_to_stderr(metrics_status, const char* text, void*) {
  std::fprintf(stderr, "metrics: %s\n", text);
}

struct Log {
  metrics_log_function function;
  void* context;
  const Log* before;  // never freed: another thread may be logging through it
};
constexpr Log kDefaultLog = {&log_to_stderr, nullptr, nullptr};
constinit std::atomic<const Log*> log_target{&kDefaultLog};

// What is logged for a family beside statuses: numbers that no status has.
enum Notice : unsigned { kUnplaced = 28, kCut, kLimit, kOtherLimit };

// Returns true the first time that something is to be logged for that family and status, or notice.
bool is_first(setup::Family& family, unsigned what) noexcept {
  const std::uint32_t bit = 1u << what;
  const std::uint32_t logged = family.logged.load(std::memory_order_relaxed);
  return (logged & bit) == 0 && (family.logged.fetch_or(bit, std::memory_order_relaxed) & bit) == 0;
}

}  // namespace

void log(metrics_status status, const char* text) noexcept {
  const update::Uncancelled uncancelled;
  const Log* target = log_target.load(std::memory_order_acquire);  // pairs with metrics_set_log's
  if (target->function == nullptr) return;
  std::string copy;
  if (!format::is_printable(text)) {
    try {
      copy = format::printable(text);
      text = copy.c_str();
    } catch (const std::bad_alloc&) {
      text = "out of memory for a message";
    }
  }
  target->function(status, text, target->context);
}

void log_once(setup::Family& family, metrics_status status) noexcept {
  log_once(family, status, last_error());
}

void log_once(setup::Family& family, metrics_status status, const char* text) noexcept {
  if (is_first(family, status)) log(status, text);
}

void log_limit_once(setup::Family& family, const char* text) noexcept {
  if (is_first(family, kLimit)) log(METRICS_OK, text);
}

void log_other_limit_once(setup::Family& family, const std::string& text) noexcept {
  if (is_first(family, kOtherLimit)) log(METRICS_OK, text);
}

void log_cut_once(setup::Family& family) noexcept {
  if (!is_first(family, kCut)) return;
  try {
    log(METRICS_OK, "a label value of \"" + family.definition.name + "\" is longer than " +
                        std::to_string(format::kMaxStringBytes) +
                        " bytes: it is cut, and counted with all others that begin alike");
  } catch (const std::bad_alloc&) {
    log(METRICS_OK, "a label value is too long: it is cut");
  }
}

void log_unplaced_once(setup::Family& family) noexcept {
  if (!is_first(family, kUnplaced)) return;
  try {
    log(METRICS_OK, '"' + family.definition.name + "\" has no places for exemplars in " +
                        family.registry.file() +
                        ", which keeps none; what they belong to is counted; ask for them where "
                        "the family is defined, or write METRICS_EXEMPLARS=" +
                        family.definition.name +
                        std::string(format::row_of(family.definition.type).name_ending) +
                        ", and create the segment anew if it has the family already");
  } catch (const std::bad_alloc&) {
    log(METRICS_OK, "a family has no places for exemplars: they are dropped");
  }
}

}  // namespace metrics::api

using namespace metrics;
using namespace metrics::api;

extern "C" {

void metrics_set_log(metrics_log_function function, void* context) {
  const Log* before = log_target.load(std::memory_order_relaxed);
  const Log* target = new (std::nothrow) Log{function, context, before};
  if (target != nullptr) log_target.store(target, std::memory_order_release);
}

void metrics_log(metrics_status status, const char* text) {
  if (text != nullptr) log(status, text);
}

}  // extern "C"
