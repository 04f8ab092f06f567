// services.h -- the work that the example's service nodes do. Each may fail, and may throw.
#pragma once

#include <string>

#include "libmetrics/examples/engine/pipeline.h"
#include "libmetrics/examples/engine/runtime.h"
#include "metrics/bamboo.hpp"

namespace example {

// Returns the node's type and code in the metrics.
metrics::bamboo::NodeType node_type_of(NodeId id);

enum class Progress { kDone, kPoll, kCallback };

// What a service returns when it does not throw.
struct ServiceResult {
  bool success;       // false: it has failed
  Progress progress;  // used if it has succeeded
};

// Executes the node's service. It reads `data.inputs` and fills `data.outputs`, which it finds
// again at its next schedule.
ServiceResult execute_service(NodeId id, ExecutionData& data);
// Schedules the node's service likewise, with the callback's data if it waits for a callback.
ServiceResult schedule_service(NodeId id, ExecutionData& data, const Values& callback);

}  // namespace example
