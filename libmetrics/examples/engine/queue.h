// queue.h -- the example's broker: a pipe that all workers inherit, with messages that any thread
// of any worker may claim.
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
  std::uint64_t callback;  // for kSchedule: which callback data to read; 0: none, it is a poll
  std::chrono::system_clock::time_point sent;
};

// A pipe stores and returns a message of this size whole, even if a process is killed meanwhile. A
// message that was claimed is lost if its worker dies.
class Queue {
 public:
  Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  ~Queue();

  // Sets the message's `sent` and sends it. Throws std::system_error if the pipe is full.
  void send(Message message) const;
  // Claims a message. Returns an empty optional if there is none at the moment.
  std::optional<Message> claim() const;

 private:
  int ends_[2];
};

}  // namespace example
