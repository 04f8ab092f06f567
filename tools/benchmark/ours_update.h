// ours_update.h -- measurements of updates through the C ABI, linked or loaded at run time.
#pragma once

#include <unistd.h>

#include <array>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>

#include "metrics/metrics.h"
#include "tools/benchmark/catalogue.h"
#include "tools/benchmark/player.h"

namespace metrics::bench {

constexpr std::size_t kMany = 64;  // handles that are updated in turns

// The measured functions: those of the linked library, or those that dlsym() found.
struct Abi {
  decltype(&metrics_open) open;
  decltype(&metrics_family_of) family_of;
  decltype(&metrics_counter_labels) counter_labels;
  decltype(&metrics_gauge_labels) gauge_labels;
  decltype(&metrics_histogram_labels) histogram_labels;
  decltype(&metrics_counter_inc) inc;
  decltype(&metrics_counter_add) add;
  decltype(&metrics_gauge_set) set;
  decltype(&metrics_histogram_observe) observe;
  decltype(&metrics_now) now;
};

// Returns the path of a segment that only this process uses.
inline std::string own_segment(const char* what) {
  return "/dev/shm/metrics-bench-" + std::string(what) + '-' + std::to_string(::getpid());
}

// Return the label values that lookups use.
inline const std::array<std::string, 3>& types() {
  static const std::array<std::string, 3> kTypes = {"ServiceActivity0-and-what-it-is",
                                                    "ServiceActivity1-and-what-it-is",
                                                    "ServiceActivity2-and-what-it-is"};
  return kTypes;
}
inline const std::string& hostname() {
  static const std::string kHostname = "worker-7d9f5b";
  return kHostname;
}

// The measured operations, by name: calling one with `count` does it `count` times.
using Work = std::function<void(std::uint64_t)>;
using Operations = std::map<std::string, Work>;

struct AbiHandles {
  std::array<metrics_counter*, kMany> counters;
  std::array<metrics_gauge*, kMany> gauges;
  metrics_histogram* histogram;
  metrics_family* labelled;
};

// Makes the handles in a new segment, in which the calling thread already has its slot.
inline AbiHandles abi_handles(const Abi& abi) {
  AbiHandles handles{};
  metrics_segment* segment = nullptr;
  const std::string path = own_segment("abi");
  const auto expect = [](metrics_status status) {
    if (status != METRICS_OK) throw std::runtime_error("no series");
  };
  expect(abi.open(path.c_str(), nullptr, &segment));
  const char* label = "n";
  metrics_family *counters = nullptr, *gauges = nullptr, *histogram = nullptr;
  const auto family = [&](metrics_type type, const char* name, const char* const* labels,
                          std::size_t count, metrics_family_options options, metrics_family** out) {
    options.size = sizeof options;
    expect(abi.family_of(segment, type, name, "", labels, count, &options, out));
  };
  metrics_family_options live{};
  live.mode = METRICS_LIVESUM;
  family(METRICS_COUNTER, "abi_total", &label, 1, {}, &counters);
  family(METRICS_GAUGE, "abi_size", &label, 1, live, &gauges);
  for (std::size_t i = 0; i < kMany; ++i) {
    const std::string value = std::to_string(i);
    const char* values = value.c_str();
    expect(abi.counter_labels(counters, &values, 1, &handles.counters[i]));
    expect(abi.gauge_labels(gauges, &values, 1, &handles.gauges[i]));
  }
  const auto& bounds = bounds18();
  metrics_family_options bounded{};
  bounded.bounds = bounds.data();
  bounded.bound_count = bounds.size();
  family(METRICS_HISTOGRAM, "abi_seconds", nullptr, 0, bounded, &histogram);
  expect(abi.histogram_labels(histogram, nullptr, 0, &handles.histogram));
  const char* names[] = {"type", "hostname"};
  family(METRICS_HISTOGRAM, "abi_labelled_seconds", names, 2, bounded, &handles.labelled);
  abi.inc(handles.counters[0], 1);
  ::unlink((path + ".v2").c_str());
  return handles;
}

// Returns the operations through kAbi's functions. If kAbi is constexpr, the calls are those of a
// program that is linked with the library.
template <const Abi& kAbi>
Operations abi_operations(const AbiHandles& h) {
  return {{"inc",
           [h](std::uint64_t count) {
             for (std::uint64_t i = 0; i < count; ++i) kAbi.inc(h.counters[i % kMany], 1);
           }},
          {"add",
           [h](std::uint64_t count) {
             for (std::uint64_t i = 0; i < count; ++i) kAbi.add(h.counters[i % kMany], 0.5);
           }},
          {"set",
           [h](std::uint64_t count) {
             for (std::uint64_t i = 0; i < count; ++i) {
               kAbi.set(h.gauges[i % kMany], static_cast<double>(i));
             }
           }},
          {"observe18",
           [h](std::uint64_t count) {
             const auto& values = observations();
             for (std::uint64_t i = 0; i < count; ++i) {
               kAbi.observe(h.histogram, values[i % kObservations]);
             }
           }},
          {"timer",
           [h](std::uint64_t count) {
             for (std::uint64_t i = 0; i < count; ++i) {
               const double begin = kAbi.now();
               kAbi.observe(h.histogram, kAbi.now() - begin);
             }
           }},
          {"lookup", [h](std::uint64_t count) {
             const auto& values = observations();
             metrics_histogram* histogram = nullptr;
             for (std::uint64_t i = 0; i < count; ++i) {
               const char* labels[] = {types()[i % 3].c_str(), hostname().c_str()};
               kAbi.histogram_labels(h.labelled, labels, 2, &histogram);
               kAbi.observe(histogram, values[i % kObservations]);
             }
           }}};
}

}  // namespace metrics::bench
