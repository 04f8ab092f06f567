// handlers.h -- steps 2 to 4 of a node's execute and schedule: what a kind of node does around its
// logic.
//
// A handler takes its first step from the engine and returns the engine's last one, so it can't
// leave out or swap any between.
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

// What a handler needs: the node that runs, in which pipeline, and where it keeps its data.
struct Visit {
  Runtime& runtime;
  PipelineId pipeline;
  NodeId node;
  Ledger::Steps& recorded;
};

struct Executed {
  std::optional<NodeId> next;  // if progress is kDone; empty at the pipeline's end
  Progress progress;
  ExecuteStep<Step::kPostProcess> post;
};
// Executes the node in steps 2 to 4.
Executed handle_execute(const Visit& visit, ExecuteStep<Step::kHandlerPreProcess> pre);

struct Scheduled {
  std::optional<NodeId> next;  // if progress is kDone
  Progress progress;
  ScheduleStep<Step::kPostProcess> post;
};
// Schedules the node in steps 2 to 4, with the data of the callback if it waits for one.
Scheduled handle_schedule(const Visit& visit, const Values& callback,
                          ScheduleStep<Step::kHandlerPreProcess> pre);

}  // namespace example
