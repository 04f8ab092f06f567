#include "libmetrics/examples/engine/handlers.h"

#include <exception>
#include <string>
#include <utility>

namespace example {
namespace {

using bamboo::Outcome;

constexpr std::uint64_t kWorthCompressingBytes = 1024;

// Returns the node to run after this one. The pipeline goes on even if words could not be counted,
// but an archive that could not be compressed is not verified.
std::optional<NodeId> next_after(NodeId node, Outcome outcome) {
  const bool goes_on = outcome == Outcome::kSucceeded || node == NodeId::kCountWords;
  return goes_on ? definition_of(node).next : NodeId::kEnd;
}

// Calls the service, stores its result, and returns the outcome. Stores the text of an exception
// among the outputs.
template <class Service>
Outcome outcome_of(Service service, ServiceResult& result, ExecutionData& data) {
  try {
    result = service();
    return result.success ? Outcome::kSucceeded : Outcome::kFailed;
  } catch (const std::exception& e) {
    data.outputs["ex_data"] = e.what();
    return Outcome::kException;
  }
}

// Runs a gateway or an event, whose logic can't fail. Returns the next node, or an empty optional
// at the end.
std::optional<NodeId> run_plain_node(const Visit& visit, const Values& inputs) {
  switch (visit.node) {
    case NodeId::kWorthCompressing:
      return std::stoull(inputs.at("size")) >= kWorthCompressingBytes
                 ? definition_of(visit.node).next
                 : NodeId::kEnd;
    case NodeId::kEnd:
      visit.runtime.execution_inputs(visit.pipeline, NodeId::kCountWords);
      visit.runtime.execution_outputs(visit.pipeline, NodeId::kCountWords);
      return std::nullopt;
    default:
      return definition_of(visit.node).next;
  }
}

// Returns the values that have one of these names.
Values of_names(const Names& names, const Values& values) {
  Values found;
  for (const std::string& name : names) {
    if (const auto value = values.find(name); value != values.end()) found.insert(*value);
  }
  return found;
}

}  // namespace

Executed handle_execute(const Visit& v, ExecuteStep<Step::kHandlerPreProcess> pre) {
  const Data names = v.runtime.data(v.pipeline, v.node);
  const Names refs = v.runtime.context_refs(v.pipeline, names.inputs);
  if (refs.size() != names.inputs.size()) {  // inputs are missing: gives up before the logic
    auto post = std::move(pre).post_process();
    v.recorded.next(Step::kPostProcess);
    return {NodeId::kEnd, Progress::kDone, std::move(post)};
  }
  ExecutionData data;
  data.inputs = v.runtime.context_values(v.pipeline, refs);
  data.outputs["archive"] = v.runtime.archive_of(v.pipeline);
  v.runtime.set_execution_inputs(v.pipeline, v.node, data.inputs);

  auto logic = std::move(pre).logic();
  v.recorded.next(Step::kLogic);
  ServiceResult result{true, Progress::kDone};
  Outcome outcome = Outcome::kSucceeded;
  std::optional<NodeId> next;
  if (definition_of(v.node).code == nullptr) {
    next = run_plain_node(v, data.inputs);
  } else {
    outcome = outcome_of([&] { return execute_service(v.node, data); }, result, data);
    next = next_after(v.node, outcome);
  }
  auto handler_post = std::move(logic).handler_post_process(outcome);
  v.recorded.next(Step::kHandlerPostProcess, outcome);

  v.runtime.set_execution_data(v.pipeline, v.node, data);
  v.runtime.upsert_context(v.pipeline, of_names(names.outputs, data.outputs));
  if (outcome != Outcome::kSucceeded) result.progress = Progress::kDone;
  auto post = std::move(handler_post).post_process();
  v.recorded.next(Step::kPostProcess);
  return {next, result.progress, std::move(post)};
}

Scheduled handle_schedule(const Visit& v, const Values& callback,
                          ScheduleStep<Step::kHandlerPreProcess> pre) {
  ExecutionData data = v.runtime.execution_data(v.pipeline, v.node);
  const Names inputs = v.runtime.data_inputs(v.pipeline, v.node);
  const Names outputs = v.runtime.data_outputs(v.pipeline, v.node);
  data.inputs = of_names(inputs, data.inputs);

  auto logic = std::move(pre).logic();
  v.recorded.next(Step::kLogic);
  ServiceResult result{};
  const Outcome outcome =
      outcome_of([&] { return schedule_service(v.node, data, callback); }, result, data);
  auto handler_post = std::move(logic).handler_post_process(outcome);
  v.recorded.next(Step::kHandlerPostProcess, outcome);

  v.runtime.set_execution_outputs(v.pipeline, v.node, data.outputs);
  v.runtime.upsert_context(v.pipeline, of_names(outputs, data.outputs));
  if (outcome != Outcome::kSucceeded) result.progress = Progress::kDone;
  auto post = std::move(handler_post).post_process();
  v.recorded.next(Step::kPostProcess);
  return {next_after(v.node, outcome), result.progress, std::move(post)};
}

}  // namespace example
