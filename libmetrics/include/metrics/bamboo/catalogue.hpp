// catalogue.hpp -- every family that bamboo-engine declares. Handles, HELP and TYPE lines, and the
// printed reference all come from this one table.
//
// Names, HELP and label names are bamboo-engine's, byte for byte, since dashboards and alerts use
// them. So there is a `_time` without a unit, a counter called `_count`, and a HELP that ends with
// a blank.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace metrics::bamboo {

// The families, named by what they measure, in the order of the catalogue.
enum class Metric : std::uint8_t {
  kRunningProcesses,
  kRunningSchedules,
  kExecuteFailed,
  kScheduleFailed,
  kExecuteException,
  kScheduleException,
  kProcessRunningTime,
  kScheduleRunningTime,
  kNodeExecuteTime,
  kNodeScheduleTime,
  kExecutePreProcess,
  kExecutePostProcess,
  kSchedulePreProcess,
  kSchedulePostProcess,
  kNodeExecutePreProcess,
  kNodeExecutePostProcess,
  kNodeSchedulePreProcess,
  kNodeSchedulePostProcess,
  kContextValueRead,
  kContextRefRead,
  kContextValueUpsert,
  kDataInputsRead,
  kDataOutputsRead,
  kDataRead,
  kExecDataInputsRead,
  kExecDataOutputsRead,
  kExecDataRead,
  kExecDataInputsWrite,
  kExecDataOutputsWrite,
  kExecDataWrite,
  kCallbackDataRead,
  kScheduleRead,
  kScheduleWrite,
  kStateRead,
  kStateWrite,
  kNodeRead,
  kProcessRead,
  kExecuteClaimDelay,
  kScheduleClaimDelay,
};

enum class Kind : std::uint8_t { kCounter, kGauge, kHistogram };

// The labels that distinguish a family's series. bamboo-engine's label `type` has two vocabularies;
// see NodeType in engine.hpp.
enum class Labels : std::uint8_t {
  kHost,         // hostname
  kTypeAndHost,  // type, hostname: the node's type, e.g. "ServiceActivity"
  kCodeAndHost,  // type, hostname: the component's code and version, e.g. "sleep_timer_legacy"
};

// The call that records a family.
enum class Recorder : std::uint8_t {
  kProcessRun,
  kScheduleRun,
  kExecute,
  kSchedule,
  kRuntime,
  kClaim,
};

struct Row {
  Metric metric;
  Kind kind;
  Labels labels;
  Recorder recorder;
  const char* name;
  const char* help;
  const char* measures;  // printed in the reference
};

namespace detail {
inline constexpr auto kGauge = Kind::kGauge;
inline constexpr auto kCounter = Kind::kCounter;
inline constexpr auto kHistogram = Kind::kHistogram;
inline constexpr auto kHost = Labels::kHost;
inline constexpr auto kType = Labels::kTypeAndHost;
inline constexpr auto kCode = Labels::kCodeAndHost;
}  // namespace detail

// clang-format off: a table
inline constexpr auto kCatalogue = [] {
  using namespace detail;
  using enum Metric;
  using enum Recorder;
  return std::to_array<Row>({
      {kRunningProcesses, kGauge, kHost, kProcessRun, "engine_running_processes",
       "count running state processes", "process runs in progress, in processes that live"},
      {kRunningSchedules, kGauge, kHost, kScheduleRun, "engine_running_schedules",
       "count running state schedules", "schedule runs in progress, in processes that live"},
      {kExecuteFailed, kCounter, kCode, kExecute, "engine_execute_failed_count",
       "count execute failed", "executes whose logic did not succeed, exceptions included"},
      {kScheduleFailed, kCounter, kCode, kSchedule, "engine_schedule_failed_count",
       "count schedule failed", "schedules whose logic did not succeed, exceptions included"},
      {kExecuteException, kCounter, kCode, kExecute, "engine_execute_exception_count",
       "count execute exceptions ", "executes whose logic ended by an exception"},
      {kScheduleException, kCounter, kCode, kSchedule, "engine_schedule_exception_count",
       "count schedule exceptions", "schedules whose logic ended by an exception"},
      {kProcessRunningTime, kHistogram, kHost, kProcessRun, "engine_process_running_time",
       "time spent running process", "a process run"},
      {kScheduleRunningTime, kHistogram, kHost, kScheduleRun, "engine_schedule_running_time",
       "time spent running schedule", "a schedule run"},
      {kNodeExecuteTime, kHistogram, kCode, kExecute, "engine_node_execute_time",
       "time spent executing node", "step 3 of an execute: the node's logic"},
      {kNodeScheduleTime, kHistogram, kCode, kSchedule, "engine_node_schedule_time",
       "time spent scheduling node", "step 3 of a schedule: the node's logic"},
      {kExecutePreProcess, kHistogram, kType, kExecute, "engine_execute_pre_process_duration",
       "time spent node execute pre-processing", "step 1 of an execute: before the handler"},
      {kExecutePostProcess, kHistogram, kType, kExecute, "engine_execute_post_process_duration",
       "time spent node execute post-processing", "step 5 of an execute: after the handler"},
      {kSchedulePreProcess, kHistogram, kType, kSchedule, "engine_schedule_pre_process_duration",
       "time spent node schedule pre-processing", "step 1 of a schedule: before the handler"},
      {kSchedulePostProcess, kHistogram, kType, kSchedule, "engine_schedule_post_process_duration",
       "time spent node schedule post-processing", "step 5 of a schedule: after the handler"},
      {kNodeExecutePreProcess, kHistogram, kType, kExecute,
       "engine_node_execute_pre_process_duration", "time spent node handler execute pre-processing",
       "step 2 of an execute: the handler, before the logic"},
      {kNodeExecutePostProcess, kHistogram, kType, kExecute,
       "engine_node_execute_post_process_duration",
       "time spent node handler execute post-processing",
       "step 4 of an execute: the handler, after the logic"},
      {kNodeSchedulePreProcess, kHistogram, kType, kSchedule,
       "engine_node_schedule_pre_process_duration",
       "time spent node handler schedule pre-processing",
       "step 2 of a schedule: the handler, before the logic"},
      {kNodeSchedulePostProcess, kHistogram, kType, kSchedule,
       "engine_node_schedule_post_process_duration",
       "time spent node handler schedule post-processing",
       "step 4 of a schedule: the handler, after the logic"},
      {kContextValueRead, kHistogram, kHost, kRuntime, "engine_runtime_context_value_read_time",
       "time spent reading context value", "a read"},
      {kContextRefRead, kHistogram, kHost, kRuntime, "engine_runtime_context_ref_read_time",
       "time spent reading context value reference", "a read"},
      {kContextValueUpsert, kHistogram, kHost, kRuntime, "engine_runtime_context_value_upsert_time",
       "time spent upserting context value", "an update or insert"},
      {kDataInputsRead, kHistogram, kHost, kRuntime, "engine_runtime_data_inputs_read_time",
       "time spent reading node data inputs", "a read"},
      {kDataOutputsRead, kHistogram, kHost, kRuntime, "engine_runtime_data_outputs_read_time",
       "time spent reading node data outputs", "a read"},
      {kDataRead, kHistogram, kHost, kRuntime, "engine_runtime_data_read_time",
       "time spent reading node data inputs and outputs", "a read"},
      {kExecDataInputsRead, kHistogram, kHost, kRuntime,
       "engine_runtime_exec_data_inputs_read_time", "time spent reading node execution data inputs",
       "a read"},
      {kExecDataOutputsRead, kHistogram, kHost, kRuntime,
       "engine_runtime_exec_data_outputs_read_time",
       "time spent reading node execution data outputs", "a read"},
      {kExecDataRead, kHistogram, kHost, kRuntime, "engine_runtime_exec_data_read_time",
       "time spent reading node execution data inputs and outputs", "a read"},
      {kExecDataInputsWrite, kHistogram, kHost, kRuntime,
       "engine_runtime_exec_data_inputs_write_time",
       "time spent writing node execution data inputs", "a write"},
      {kExecDataOutputsWrite, kHistogram, kHost, kRuntime,
       "engine_runtime_exec_data_outputs_write_time",
       "time spent writing node execution data outputs", "a write"},
      {kExecDataWrite, kHistogram, kHost, kRuntime, "engine_runtime_exec_data_write_time",
       "time spent writing node execution data inputs and outputs", "a write"},
      {kCallbackDataRead, kHistogram, kHost, kRuntime, "engine_runtime_callback_data_read_time",
       "time spent reading node callback data", "a read"},
      {kScheduleRead, kHistogram, kHost, kRuntime, "engine_runtime_schedule_read_time",
       "time spent reading schedule", "a read"},
      {kScheduleWrite, kHistogram, kHost, kRuntime, "engine_runtime_schedule_write_time",
       "time spent writing schedule", "a write"},
      {kStateRead, kHistogram, kHost, kRuntime, "engine_runtime_state_read_time",
       "time spent reading state", "a read"},
      {kStateWrite, kHistogram, kHost, kRuntime, "engine_runtime_state_write_time",
       "time spent writing state", "a write"},
      {kNodeRead, kHistogram, kHost, kRuntime, "engine_runtime_node_read_time",
       "time spent reading node", "a read"},
      {kProcessRead, kHistogram, kHost, kRuntime, "engine_runtime_process_read_time",
       "time spent reading process", "a read"},
      {kExecuteClaimDelay, kHistogram, kHost, kClaim, "engine_runtime_execute_task_claim_delay",
       "delay between execute task send and task claim",
       "an execute message, from its sending to its claim"},
      {kScheduleClaimDelay, kHistogram, kHost, kClaim, "engine_runtime_schedule_task_claim_delay",
       "delay between schedule task send and task claim",
       "a schedule message, from its sending to its claim"},
  });
}();
// clang-format on

constexpr std::size_t index(Metric metric) noexcept { return static_cast<std::size_t>(metric); }
inline constexpr std::size_t kMetricCount = kCatalogue.size();

static_assert(
    [] {
      for (std::size_t i = 0; i < kMetricCount; ++i) {
        if (index(kCatalogue[i].metric) != i) return false;
      }
      return index(Metric::kScheduleClaimDelay) + 1 == kMetricCount;
    }(),
    "row_of() finds a metric's row by its number");

constexpr const Row& row_of(Metric metric) noexcept { return kCatalogue[index(metric)]; }

// The bounds of every histogram, in seconds, unless the environment (see bounds.hpp) or the
// Engine's options override them.
inline constexpr std::array kDefaultBounds = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1,
                                              0.25,  0.5,  0.75,  1.0,  2.5,   5.0,
                                              7.5,   10.0, 25.0,  50.0, 75.0,  100.0};

}  // namespace metrics::bamboo
