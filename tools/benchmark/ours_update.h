// ours_update.h -- measurements of updates through the C ABI, however its functions were come by.
#pragma once

#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>

#include "metrics/metrics.h"
#include "tools/benchmark/catalogue.h"
#include "tools/benchmark/player.h"

namespace metrics::bench {

constexpr std::size_t kMany = 64;  // handles that are updated in turns

// The functions that are measured: the linked library's, or what dlsym() found.
struct Abi {
  decltype(&metrics_open) open;
  decltype(&metrics_counter_family) counter_family;
  decltype(&metrics_histogram_family) histogram_family;
  decltype(&metrics_counter_labels) counter_labels;
  decltype(&metrics_histogram_labels) histogram_labels;
  decltype(&metrics_counter_inc) inc;
  decltype(&metrics_histogram_observe) observe;
};

// A segment of this process's alone.
inline std::string own_segment(const char* what) {
  return "/dev/shm/metrics-bench-" + std::string(what) + '-' + std::to_string(::getpid());
}

struct AbiHandles {
  std::array<metrics_counter*, kMany> counters;
  metrics_histogram* histogram;
};

inline AbiHandles abi_handles(const Abi& abi, metrics_segment* segment) {
  AbiHandles handles{};
  const char* label = "n";
  metrics_family* family = nullptr;
  abi.counter_family(segment, "abi_total", "", "", &label, 1, &family);
  for (std::size_t i = 0; i < kMany; ++i) {
    const std::string value = std::to_string(i);
    const char* values = value.c_str();
    if (abi.counter_labels(family, &values, 1, &handles.counters[i]) != METRICS_OK) {
      throw std::runtime_error("no counter");
    }
  }
  abi.histogram_family(segment, "abi_seconds", "", "", nullptr, 0, bounds18().data(),
                       bounds18().size(), &family);
  if (abi.histogram_labels(family, nullptr, 0, &handles.histogram) != METRICS_OK) {
    throw std::runtime_error("no histogram");
  }
  return handles;
}

}  // namespace metrics::bench
