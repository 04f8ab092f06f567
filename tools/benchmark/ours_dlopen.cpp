// ours_dlopen.cpp -- updates with the library loaded at run time, as by a plug-in or another
// language.
#include <dlfcn.h>
#include <unistd.h>

#include "tools/benchmark/ours_update.h"

namespace metrics::bench {
namespace {

template <class Function>
void load(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) throw std::runtime_error(::dlerror());
}

Abi load_abi(const char* path) {
  void* library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(::dlerror());
  Abi abi{};
  load(library, "metrics_open", abi.open);
  load(library, "metrics_family_of", abi.family_of);
  load(library, "metrics_counter_labels", abi.counter_labels);
  load(library, "metrics_gauge_labels", abi.gauge_labels);
  load(library, "metrics_histogram_labels", abi.histogram_labels);
  load(library, "metrics_counter_inc", abi.inc);
  load(library, "metrics_counter_add", abi.add);
  load(library, "metrics_gauge_set", abi.set);
  load(library, "metrics_histogram_observe", abi.observe);
  load(library, "metrics_now", abi.now);
  return abi;
}

const Abi loaded = load_abi(METRICS_LIBRARY);

}  // namespace
}  // namespace metrics::bench

int main(int argc, char** argv) {
  using namespace metrics::bench;
  Measurements measurements;
  for (const auto& [name, work] : abi_operations<loaded>(abi_handles(loaded))) {
    measurements[name] = timed(work);
  }
  return play(argc, argv, measurements);
}
