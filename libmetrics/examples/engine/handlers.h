// handlers.h -- steps 2 to 4 of a node's execute and schedule: what a kind of node does around its
// logic.
//
// A handler is given the engine's first step and gives back the last one, so it can't leave out or
// swap any between.
#pragma once

#include <optional>

#include "libmetrics/examples/engine/ledger.h"
#include "libmetrics/examples/engine/pipeline.h"
#include "libmetrics/examples/engine/runtime.h"
#include "libmetrics/examples/engine/services.h"
#include "metrics/bamboo.hpp"

namespace example {

using bamboo::ExecuteStep;
using bamboo::ScheduleStep;
using bamboo::Step;

// The node's work is under way.
struct Visit {
  Runtime& runtime;
  PipelineId pipeline;
  NodeId node;
  Ledger::Steps& recorded;
};

struct Executed {
  std::optional<NodeId> next;  // with kDone
  Progress progress;
  ExecuteStep<Step::kPostProcess> post;
};
Executed handle_execute(const Visit& visit, ExecuteStep<Step::kHandlerPreProcess> pre);

struct Scheduled {
  std::optional<NodeId> next;  // with kDone
  Progress progress;
  ScheduleStep<Step::kPostProcess> post;
};
Scheduled handle_schedule(const Visit& visit, const Values& callback,
                          ScheduleStep<Step::kHandlerPreProcess> pre);

}  // namespace example
