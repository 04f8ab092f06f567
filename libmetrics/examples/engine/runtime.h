// runtime.h -- stores the state of the example engine's pipelines in small files, and times each
// read and write.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "libmetrics/examples/engine/ledger.h"
#include "libmetrics/examples/engine/pipeline.h"
#include "metrics/bamboo.hpp"

namespace example {

using Values = std::map<std::string, std::string>;
using Names = std::vector<std::string>;

struct Data {
  Names inputs, outputs;
};

struct ExecutionData {
  Values inputs, outputs;
};

// Throws std::runtime_error if something does not exist. Any number of threads and processes may
// use it, but only one at a time for each pipeline.
class Runtime {
 public:
  Runtime(const bamboo::Engine& engine, Ledger& ledger, std::filesystem::path root)
      : engine_(engine), ledger_(ledger), root_(std::move(root)) {}

  // Creates a pipeline: its process, nodes, and context.
  void create(PipelineId id, const Values& context);
  void remove(PipelineId id);
  std::string archive_of(PipelineId id) const { return directory(id) / "archive.gz"; }

  Values process(PipelineId id);
  Values node(PipelineId id, NodeId node);
  std::string state(PipelineId id, NodeId node);
  void set_state(PipelineId id, NodeId node, const std::string& state);
  Values schedule(PipelineId id, NodeId node);
  void set_schedule(PipelineId id, NodeId node, const Values& schedule);
  Values callback_data(PipelineId id, std::uint64_t callback);
  void set_callback_data(PipelineId id, std::uint64_t callback, const Values& data);

  // Return which of these names the context has, and the values of names that it has.
  Names context_refs(PipelineId id, const Names& names);
  Values context_values(PipelineId id, const Names& names);
  void upsert_context(PipelineId id, const Values& values);

  Names data_inputs(PipelineId id, NodeId node);
  Names data_outputs(PipelineId id, NodeId node);
  Data data(PipelineId id, NodeId node);

  Values execution_inputs(PipelineId id, NodeId node);
  Values execution_outputs(PipelineId id, NodeId node);
  ExecutionData execution_data(PipelineId id, NodeId node);
  void set_execution_inputs(PipelineId id, NodeId node, const Values& inputs);
  void set_execution_outputs(PipelineId id, NodeId node, const Values& outputs);
  void set_execution_data(PipelineId id, NodeId node, const ExecutionData& data);

 private:
  std::filesystem::path directory(PipelineId id) const { return root_ / std::to_string(id); }
  std::filesystem::path file(PipelineId id, const char* what) const;
  std::filesystem::path file(PipelineId id, NodeId node, const char* what) const;
  template <bamboo::Metric M, class Access>
  auto timed(Access access);

  const bamboo::Engine& engine_;
  Ledger& ledger_;
  const std::filesystem::path root_;
};

}  // namespace example
