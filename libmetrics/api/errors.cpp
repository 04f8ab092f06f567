// errors.cpp -- the last error of each thread; names of statuses; the version.
#include "libmetrics/api/errors.h"

#include <pthread.h>

#include <memory>
#include <optional>
#include <string>

namespace metrics::api {
namespace {

// Returns the key under which each thread keeps its last error, as a std::string. A thread_local
// would be destroyed too early: a destructor that runs later may still ask for it. An empty
// optional if all keys are in use; any number in its place could be another library's key.
std::optional<pthread_key_t> error_key() noexcept {
  static const std::optional<pthread_key_t> key = []() -> std::optional<pthread_key_t> {
    pthread_key_t created = 0;
    const auto end = [](void* text) { delete static_cast<std::string*>(text); };
    if (::pthread_key_create(&created, end) != 0) return std::nullopt;
    return created;
  }();
  return key;
}

// Runs when the library is loaded, for the reason given at set_up_early in update/process.cpp.
[[maybe_unused]] const bool made_early = error_key().has_value();

}  // namespace

const char* last_error() noexcept {
  const auto key = error_key();
  const auto* text = key ? static_cast<const std::string*>(::pthread_getspecific(*key)) : nullptr;
  return text == nullptr ? "" : text->c_str();
}

metrics_status failed(metrics_status status, const char* text) noexcept {
  const auto key = error_key();
  if (!key) return status;
  auto* kept = static_cast<std::string*>(::pthread_getspecific(*key));
  try {
    if (kept == nullptr) {
      auto made = std::make_unique<std::string>();
      if (::pthread_setspecific(*key, made.get()) != 0) return status;
      kept = made.release();
    }
    *kept = text;
  } catch (const std::bad_alloc&) {
    if (kept != nullptr) kept->clear();
  }
  return status;
}

}  // namespace metrics::api

using namespace metrics;
using namespace metrics::api;

extern "C" {

const char* metrics_status_name(metrics_status status) {
  switch (status) {
    case METRICS_OK:
      return "ok";
    case METRICS_INVALID:
      return "invalid";
    case METRICS_CONFLICT:
      return "conflict";
    case METRICS_FULL:
      return "full";
    case METRICS_NO_SPACE:
      return "no space";
    case METRICS_NO_PERMISSION:
      return "no permission";
    case METRICS_INCOMPATIBLE:
      return "incompatible";
    case METRICS_UNSUPPORTED:
      return "unsupported";
    case METRICS_GONE:
      return "gone";
    case METRICS_NO_SLOT:
      return "no slot";
    case METRICS_SYSTEM:
      return "system error";
  }
  return "unknown status";
}

const char* metrics_last_error(void) { return last_error(); }

const char* metrics_version(void) { return METRICS_VERSION; }

}  // extern "C"
