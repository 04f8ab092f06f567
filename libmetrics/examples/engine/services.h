// services.h -- the work that the example's service nodes do. Each may fail, and may throw.
#pragma once

#include <string>

#include "libmetrics/examples/engine/pipeline.h"
#include "libmetrics/examples/engine/runtime.h"
#include "metrics/bamboo.hpp"

namespace example {

// What the node is called in the metrics.
metrics::bamboo::NodeType node_type_of(NodeId id);

enum class Progress { kDone, kPoll, kCallback };

// What a service has come to: false is a failure.
struct ServiceResult {
  bool success;
  Progress progress;  // of a success
};

// `data.inputs` are there; `data.outputs` are the service's to fill, and what it finds there at its
// next schedule.
ServiceResult execute_service(NodeId id, ExecutionData& data);
// `callback`: of a service that waits for one.
ServiceResult schedule_service(NodeId id, ExecutionData& data, const Values& callback);

}  // namespace example
