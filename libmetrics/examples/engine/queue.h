// queue.h -- the example's broker: messages that any worker's thread may claim, in a pipe that all
// inherit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "libmetrics/examples/engine/pipeline.h"

namespace example {

struct Message {
  enum class Kind : std::uint32_t { kExecute, kSchedule };
  Kind kind;
  NodeId node;
  PipelineId pipeline;
  std::uint64_t callback;  // of kSchedule: which callback data there is; 0: none, it is a poll
  std::chrono::system_clock::time_point sent;
};

// A pipe takes and gives a message of this size whole, whoever is killed meanwhile; one that was
// claimed dies with its worker.
class Queue {
 public:
  Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  ~Queue();

  void send(Message message) const;  // sets `sent`
  // None: there is none at the moment.
  std::optional<Message> claim() const;

 private:
  int ends_[2];
};

}  // namespace example
