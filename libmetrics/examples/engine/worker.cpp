#include "libmetrics/examples/engine/worker.h"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <utility>

#include "libmetrics/examples/engine/handlers.h"

namespace example {

using bamboo::Call;
using bamboo::Metric;

bool Worker::run(std::size_t most_messages) {
  for (std::size_t i = 0; i < most_messages; ++i) {
    try {
      const std::optional<Message> message = plant_.queue.claim();
      if (!message) {
        if (plant_.progression.stop.load(std::memory_order_relaxed)) return false;
        start_pipeline();
      } else if (message->kind == Message::Kind::kExecute) {
        execute(*message);
      } else {
        schedule(*message);
      }
    } catch (const std::exception& e) {  // this pipeline can't go on, but the others can
      std::fprintf(stderr, "engine: %s\n", e.what());
    }
  }
  return true;
}

void Worker::start_pipeline() {
  const PipelineId id = plant_.progression.started.fetch_add(1, std::memory_order_relaxed);
  if (id + 1 >= plant_.most_pipelines) {
    plant_.progression.stop.store(true, std::memory_order_relaxed);
    if (id >= plant_.most_pipelines) return;
  }
  constexpr std::uint64_t kStride =
      7919;  // a prime: spreads the files, as neighbours are much alike
  const std::string& file = plant_.files[id * kStride % plant_.files.size()];
  std::error_code gone;
  const std::uintmax_t size = std::filesystem::file_size(file, gone);
  plant_.runtime.create(id, {{"file", file}, {"size", std::to_string(gone ? 0 : size)}});
  plant_.queue.send({Message::Kind::kExecute, NodeId::kStart, id, 0, {}});
}

void Worker::execute(const Message& message) {
  plant_.engine.execute_claimed(message.sent);
  plant_.ledger.recorded(Metric::kExecuteClaimDelay);
  const Ledger::Afterwards recorded(plant_.ledger, Metric::kProcessRunningTime);
  const bamboo::Running running = plant_.engine.process_run();
  std::optional<NodeId> node = message.node;
  while (node) node = execute_node(message.pipeline, *node);
}

// Executes the node. Returns the next one, or an empty optional if the pipeline waits or has ended.
std::optional<NodeId> Worker::execute_node(PipelineId pipeline, NodeId node) {
  Runtime& runtime = plant_.runtime;
  Ledger::Steps recorded(plant_.ledger, Call::kExecute, node);
  auto pre = plant_.nodes[index(node)].execute();
  runtime.process(pipeline);
  runtime.node(pipeline, node);
  if (runtime.state(pipeline, node) != "ready") return std::nullopt;
  runtime.set_state(pipeline, node, "running");

  auto handler_pre = std::move(pre).handler_pre_process();
  recorded.next(Step::kHandlerPreProcess);
  const Executed executed =
      handle_execute({runtime, pipeline, node, recorded}, std::move(handler_pre));

  if (executed.progress != Progress::kDone) {
    runtime.set_schedule(pipeline, node, {{"times", "0"}});
    if (executed.progress == Progress::kCallback) {
      ask_for_callback(pipeline, node);
    } else {
      plant_.queue.send({Message::Kind::kSchedule, node, pipeline, 0, {}});
    }
    return std::nullopt;
  }
  runtime.set_state(pipeline, node, "finished");
  if (!executed.next) runtime.remove(pipeline);
  return executed.next;
}

// Plays another system, which sends the callback that the node waits for. Damages every fifth
// archive meanwhile.
void Worker::ask_for_callback(PipelineId pipeline, NodeId node) {
  constexpr std::uint64_t kCallback = 1;
  const std::string crc = plant_.runtime.context_values(pipeline, {"crc"}).at("crc");
  plant_.runtime.set_callback_data(pipeline, kCallback, {{"crc", crc}});
  if (pipeline % 5 == 0) {
    const std::string archive = plant_.runtime.archive_of(pipeline);
    std::filesystem::resize_file(archive, std::filesystem::file_size(archive) / 2);
  }
  plant_.queue.send({Message::Kind::kSchedule, node, pipeline, kCallback, {}});
}

void Worker::schedule(const Message& message) {
  plant_.engine.schedule_claimed(message.sent);
  plant_.ledger.recorded(Metric::kScheduleClaimDelay);
  Runtime& runtime = plant_.runtime;
  const PipelineId pipeline = message.pipeline;
  const NodeId node = message.node;

  const Ledger::Afterwards run_recorded(plant_.ledger, Metric::kScheduleRunningTime);
  const bamboo::Running running = plant_.engine.schedule_run();
  Ledger::Steps recorded(plant_.ledger, Call::kSchedule, node);
  auto pre = plant_.nodes[index(node)].schedule();
  runtime.process(pipeline);
  runtime.node(pipeline, node);
  if (runtime.state(pipeline, node) != "running") return;
  Values schedule = runtime.schedule(pipeline, node);
  Values callback;
  if (message.callback != 0) callback = runtime.callback_data(pipeline, message.callback);

  auto handler_pre = std::move(pre).handler_pre_process();
  recorded.next(Step::kHandlerPreProcess);
  const Scheduled scheduled =
      handle_schedule({runtime, pipeline, node, recorded}, callback, std::move(handler_pre));

  schedule["times"] = std::to_string(std::stoull(schedule.at("times")) + 1);
  runtime.set_schedule(pipeline, node, schedule);
  if (scheduled.progress == Progress::kPoll) {
    plant_.queue.send({Message::Kind::kSchedule, node, pipeline, 0, {}});
    return;
  }
  runtime.set_state(pipeline, node, "finished");
  plant_.queue.send({Message::Kind::kExecute, *scheduled.next, pipeline, 0, {}});
}

}  // namespace example
