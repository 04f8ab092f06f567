// worker.h -- the engine itself: a thread claims a message, and runs its pipeline until that waits
// or ends.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libmetrics/examples/engine/ledger.h"
#include "libmetrics/examples/engine/queue.h"
#include "libmetrics/examples/engine/runtime.h"
#include "metrics/bamboo.hpp"

namespace example {

// What all workers share, in memory that all of them map.
struct Progression {
  std::atomic<std::uint64_t> started{0};  // pipelines
  std::atomic<bool> stop{false};          // workers must begin no more pipelines
};

// What each worker inherits from the parent.
struct Plant {
  const bamboo::Engine& engine;
  std::vector<bamboo::Node> nodes;  // by NodeId; looked up once
  Ledger& ledger;
  Queue& queue;
  Runtime& runtime;
  Progression& progression;
  std::vector<std::string> files;
  std::uint64_t most_pipelines;
};

// The loop of a worker's thread.
class Worker {
 public:
  explicit Worker(Plant& plant) : plant_(plant) {}

  // Claims and runs messages, and begins a pipeline when there are none. Returns true after that
  // many rounds, false when there is nothing more to do.
  bool run(std::size_t most_messages);

 private:
  void start_pipeline();
  void execute(const Message& message);
  void schedule(const Message& message);
  std::optional<NodeId> execute_node(PipelineId pipeline, NodeId node);
  void ask_for_callback(PipelineId pipeline, NodeId node);

  Plant& plant_;
};

}  // namespace example
